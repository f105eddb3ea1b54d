// The server with Boost.Beast: one io_context, run by one thread, for all connections.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <unordered_map>

#include "serve/http_connection.h"

namespace continuo {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kTick{100};

class BeastServer : public HttpServer {
 public:
  explicit BeastServer(HttpOptions options) : acceptor_(loop_), signals_(loop_), tick_(loop_) {
    shared_.options = std::move(options);
    shared_.on_closed = [this](Connection* connection) { on_closed(connection); };
  }
  ~BeastServer() override {
    for (const auto& [key, connection] : std::exchange(connections_, {})) connection->close();
  }

  Result<void> bind() {
    const HttpOptions& options = shared_.options;
    error_code error;
    const net::ip::address address = net::ip::make_address(options.address, error);
    if (error) return field_error("host", fmt::format("is '{}', expected an IP address or localhost", options.address));
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (!error) return {};
    return usage_error(fmt::format("cannot listen on {} port {}: {}", options.address, options.port, error.message()));
  }

  std::uint16_t port() const override {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }
  std::size_t connections() const override { return connections_.size(); }
  std::size_t answering() const override {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const auto& entry) { return entry.second->busy(); }));
  }

  void run(Handler handler, std::function<void()> on_tick, std::function<void()> on_signal) override {
    shared_.handler = std::move(handler);
    on_tick_ = std::move(on_tick);
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this, on_signal](error_code error, int) {
      if (error) return;
      error_code ignored;
      signals_.clear(ignored);
      on_signal();
    });
    accept();
    tick();
    loop_.run();
    // What is left holds connections, and those hold what the caller is about to take down.
    for (const auto& [key, connection] : std::exchange(connections_, {})) connection->close();
  }

  void post(std::function<void()> task) override { net::post(loop_, std::move(task)); }

  void drain() override {
    shared_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    close_idle();
  }

  void stop() override { loop_.stop(); }

 private:
  void accept() {
    if (accepting_ || !acceptor_.is_open()) return;
    if (connections_.size() >= shared_.options.most_connections) close_idle();
    if (connections_.size() >= shared_.options.most_connections) return;  // the next that closes lets one in
    if (std::exchange(accepting_, true)) return;                          // a connection that closed has
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      accepting_ = false;
      if (!error) {
        const auto connection = std::make_shared<Connection>(std::move(socket), shared_);
        connections_.emplace(connection.get(), connection);
        connection->start();
        return accept();
      }
      if (error == net::error::no_descriptors || error == net::error::no_buffer_space ||
          error == boost::system::errc::too_many_files_open_in_system) {
        close_idle();
        return;  // the next tick tries again
      }
      accept();
    });
  }

  void tick() {
    tick_.expires_after(kTick);
    tick_.async_wait([this](error_code error) {
      if (error) return;
      const auto now = Connection::Clock::now();
      for (const auto& connection : all()) connection->tick(now);
      accept();
      on_tick_();
      tick();
    });
  }

  std::vector<std::shared_ptr<Connection>> all() const {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) all.push_back(connection);
    return all;
  }

  void close_idle() {
    for (const auto& connection : all()) {
      if (connection->idle()) connection->close();
    }
  }

  void on_closed(Connection* connection) {
    connections_.erase(connection);
    if (!shared_.draining) accept();
  }

  net::io_context loop_{1};
  tcp::acceptor acceptor_;
  net::signal_set signals_;
  net::steady_timer tick_;
  std::function<void()> on_tick_;
  ConnectionShared shared_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  bool accepting_ = false;
};

}  // namespace

Result<void> HttpServer::available() { return {}; }

Result<std::unique_ptr<HttpServer>> HttpServer::create(HttpOptions options) {
  auto server = std::make_unique<BeastServer>(std::move(options));
  CONTINUO_TRY_VOID(server->bind());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace continuo
