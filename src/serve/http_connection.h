// A connection of http_beast.cpp: reads a request, writes its answer, and so on.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_dynamic_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/http.h"

namespace continuo {

class Connection;

// What all connections share.
struct ConnectionShared {
  HttpOptions options;
  HttpServer::Handler handler;
  std::function<void(Connection*)> on_closed;
  bool draining = false;
  std::size_t body_bytes = 0;  // that are read and not handled, of all connections
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::ip::tcp::socket;

  Connection(Socket socket, ConnectionShared& shared) : socket_(std::move(socket)), shared_(shared) {}

  void start();
  // Waits for a request of which nothing has come.
  bool idle() const { return idle_; }
  // Has an answer to give or to write.
  bool busy() const { return exchange_ != nullptr || writing_; }
  // Closes it if its time is up.
  void tick(Clock::time_point now);
  void close();

 private:
  class Exchange;
  using ErrorCode = boost::system::error_code;

  void read_head();
  void read_body();
  void count_body(std::size_t bytes);
  void on_head(ErrorCode error);
  void on_request(ErrorCode error);
  void refuse(ErrorCode error);
  void refuse(int status, std::string_view message);
  void watch();
  void respond(HttpAnswer answer, bool whole);
  void send(std::string bytes);
  void write_some();
  void on_written();
  void finish();
  void linger();
  void detach();
  void gone();

  Socket socket_;
  ConnectionShared& shared_;
  boost::beast::flat_buffer buffer_;
  // A body that takes no memory for a length that is merely declared.
  using Body = boost::beast::http::basic_dynamic_body<boost::beast::flat_buffer>;
  std::optional<boost::beast::http::request_parser<Body>> parser_;
  std::size_t body_bytes_ = 0;  // of the body, as far as it is read
  std::shared_ptr<Exchange> exchange_;
  std::optional<Clock::time_point> deadline_;
  unsigned version_ = 11;
  bool head_only_ = false, keep_alive_ = false, chunked_ = false;
  bool idle_ = false, ended_ = false, writing_ = false, closed_ = false;
  std::uint64_t requests_ = 0;
  std::string queued_, current_;  // to be written; being written
  std::size_t written_ = 0;       // of `current_`
  std::array<char, 4096> scrap_{};
  std::size_t drained_ = 0;
};

}  // namespace continuo
