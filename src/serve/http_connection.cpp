#include "serve/http_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <sstream>

namespace continuo {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

// Bodies that are being read take at the most as much memory as so many of the longest.
constexpr std::size_t kMostBodies = 16;
constexpr std::uint32_t kMostHeaderBytes = 32 << 10;
// After an answer that ends a connection, what the client still sends is read for a while: closing at once could take
// the answer away from it.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kMostDrained = std::size_t{64} << 20;

std::optional<std::string> header(const http::fields& fields, beast::string_view name) {
  const auto at = fields.find(name);
  if (at == fields.end()) return std::nullopt;
  return std::string(at->value());
}

}  // namespace

// Until its answer is written, or its client is gone, it holds the connection.
class Connection::Exchange : public HttpExchange {
 public:
  explicit Exchange(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  void respond(HttpAnswer answer) override {
    if (connection_) connection_->respond(std::move(answer), true);
  }
  void begin_stream(HttpAnswer head) override {
    if (connection_) connection_->respond(std::move(head), false);
  }
  void send(std::string_view bytes) override {
    if (!connection_ || bytes.empty()) return;
    if (connection_->chunked_) {
      connection_->send(beast::buffers_to_string(http::make_chunk(net::buffer(bytes.data(), bytes.size()))));
    } else {
      connection_->send(std::string(bytes));
    }
  }
  void end() override {
    if (!connection_) return;
    connection_->ended_ = true;
    connection_->send(connection_->chunked_ ? beast::buffers_to_string(http::make_chunk_last()) : std::string());
  }
  bool writable() const override { return connection_ && !connection_->writing_; }

  void release() {
    on_writable = nullptr;
    on_gone = nullptr;
    connection_.reset();
  }

 private:
  std::shared_ptr<Connection> connection_;
};

void Connection::start() {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(net::ip::tcp::no_delay(true), ignored);
  read_head();
}

// ---- reading ----

void Connection::read_head() {
  ended_ = chunked_ = head_only_ = keep_alive_ = false;
  idle_ = buffer_.size() == 0;
  deadline_ = Clock::now() + shared_.options.read_time;
  parser_.emplace();
  parser_->header_limit(kMostHeaderBytes);
  parser_->body_limit(shared_.options.most_body);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_head(error); });
}

void Connection::on_head(ErrorCode error) {
  if (closed_) return;
  idle_ = false;
  if (error) return refuse(error);
  const auto& head = parser_->get();
  if (head.count(http::field::host) > 1 || (head.version() >= 11 && head.count(http::field::host) == 0)) {
    return refuse(400, "expected one Host header");
  }
  if (head.count(http::field::content_length) > 0 && head.count(http::field::transfer_encoding) > 0) {
    return refuse(400, "Content-Length and Transfer-Encoding are both given");
  }
  if (!beast::iequals(head[http::field::expect], "100-continue")) return read_body();
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  net::async_write(socket_, net::buffer(kContinue.data(), kContinue.size()),
                   [self = shared_from_this()](ErrorCode failed, std::size_t) {
                     if (self->closed_) return;
                     failed ? self->close() : self->read_body();
                   });
}

void Connection::read_body() {
  if (parser_->is_done()) return on_request({});
  http::async_read_some(socket_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->closed_) return;
    if (error) return self->on_request(error);
    self->count_body(self->parser_->get().body().size());
    if (self->shared_.body_bytes > kMostBodies * self->shared_.options.most_body) {
      return self->refuse(503, "the bodies of other requests take the memory there is for them");
    }
    self->read_body();
  });
}

void Connection::count_body(std::size_t bytes) {
  shared_.body_bytes += bytes - body_bytes_;
  body_bytes_ = bytes;
}

void Connection::on_request(ErrorCode error) {
  if (closed_) return;
  if (error) return refuse(error);
  deadline_.reset();
  auto message = parser_->release();
  parser_.reset();
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  request.path = target.substr(0, target.find('?'));
  request.host = header(message, "Host").value_or("");
  request.origin = header(message, "Origin");
  request.authorization = header(message, "Authorization");
  request.fetch_site = header(message, "Sec-Fetch-Site");
  request.body = beast::buffers_to_string(message.body().data());
  count_body(0);
  version_ = message.version();
  keep_alive_ = message.keep_alive();
  head_only_ = request.method == "HEAD";
  ++requests_;
  const auto exchange = std::make_shared<Exchange>(shared_from_this());
  exchange_ = exchange;
  watch();
  shared_.handler(std::move(request), exchange);
}

// What cannot be read as a request. Other errors are those of the connection.
void Connection::refuse(ErrorCode error) {
  static const auto& kHttp = make_error_code(http::error::bad_method).category();
  if (error == http::error::body_limit) {
    return refuse(413, "the body has more bytes than the server reads: " + std::to_string(shared_.options.most_body));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse(431, "the headers have more bytes than the server reads");
  }
  const bool ended = error == http::error::end_of_stream || error == http::error::partial_message;
  if (ended || error.category() != kHttp) return close();
  refuse(400, "this is no HTTP request: " + error.message());
}

void Connection::refuse(int status, std::string_view message) {
  parser_.reset();
  count_body(0);
  keep_alive_ = false;
  HttpAnswer answer{.status = status, .body = shared_.options.error_body(status, message)};
  respond(std::move(answer), true);
}

// Until the answer's end: has the client gone?
void Connection::watch() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this(), number = requests_](ErrorCode error) {
    if (self->closed_ || !self->exchange_ || number != self->requests_) return;
    char next = 0;
    if (!error) {
      const std::size_t n = self->socket_.receive(net::buffer(&next, 1), Socket::message_peek, error);
      if (error == net::error::would_block) return self->watch();
      if (!error && n > 0) return;  // the next request is there already
    }
    self->gone();
  });
}

// ---- writing ----

// `whole`: with its body and the end; otherwise the head of a stream.
void Connection::respond(HttpAnswer answer, bool whole) {
  keep_alive_ = keep_alive_ && !shared_.draining;
  chunked_ = !whole && version_ >= 11;
  if (!whole && !chunked_) keep_alive_ = false;  // the end of the connection is that of the stream
  http::response<http::empty_body> head(static_cast<http::status>(answer.status), version_);
  head.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers) head.set(name, value);
  for (const auto& [name, value] : exchange_ ? exchange_->headers : decltype(exchange_->headers)())
    head.set(name, value);
  if (whole) head.content_length(answer.body.size());
  if (chunked_) head.chunked(true);
  head.keep_alive(keep_alive_);
  std::ostringstream text;
  text << head.base();
  ended_ = whole;
  if (whole && !head_only_) text << answer.body;
  send(text.str());
}

void Connection::send(std::string bytes) {
  if (closed_) return;
  if (queued_.empty()) {
    queued_ = std::move(bytes);
  } else {
    queued_ += bytes;
  }
  if (writing_) return;
  writing_ = true;
  current_ = std::exchange(queued_, {});
  written_ = 0;
  write_some();
}

void Connection::write_some() {
  deadline_ = Clock::now() + shared_.options.stall_time;
  socket_.async_write_some(net::buffer(current_.data() + written_, current_.size() - written_),
                           [self = shared_from_this()](ErrorCode error, std::size_t n) {
                             if (self->closed_) return;
                             if (error) return self->gone();
                             self->written_ += n;
                             if (self->written_ < self->current_.size()) return self->write_some();
                             self->on_written();
                           });
}

void Connection::on_written() {
  current_.clear();
  if (!queued_.empty()) {
    current_ = std::exchange(queued_, {});
    written_ = 0;
    return write_some();
  }
  writing_ = false;
  deadline_.reset();
  if (ended_) return finish();
  if (exchange_ && exchange_->on_writable) {
    const auto writable = exchange_->on_writable;  // which may end the exchange
    writable();
  }
}

// ---- the end ----

void Connection::finish() {
  detach();
  if (keep_alive_ && !shared_.draining) return read_head();
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  deadline_ = Clock::now() + kLinger;
  linger();
}

void Connection::linger() {
  socket_.async_read_some(net::buffer(scrap_), [self = shared_from_this()](ErrorCode error, std::size_t n) {
    if (self->closed_) return;
    self->drained_ += n;
    error || self->drained_ > kMostDrained ? self->close() : self->linger();
  });
}

void Connection::detach() {
  if (const auto exchange = std::exchange(exchange_, nullptr)) exchange->release();
}

void Connection::gone() {
  const auto told = exchange_ ? exchange_->on_gone : nullptr;
  close();
  if (told) told();
}

void Connection::tick(Clock::time_point now) {
  if (deadline_ && now > *deadline_) gone();
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  count_body(0);
  detach();
  ErrorCode ignored;
  socket_.close(ignored);
  shared_.on_closed(this);
}

}  // namespace continuo
