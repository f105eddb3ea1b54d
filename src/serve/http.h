// HTTP/1.1 as the server sees it: requests that are read whole, answers that are written whole or as a stream. One
// thread, the loop's, calls everything here but post(); there is no thread a connection. http_beast.cpp does it with
// Boost.Beast; where Boost is missing, http_absent.cpp says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace continuo {

struct HttpRequest {
  std::string method;
  std::string path;  // without what follows '?'
  std::string body;
  std::string host;  // "" if there is no such header, and so on
  std::optional<std::string> origin, authorization, fetch_site;
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// A request whose answer is on its way.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  // The whole answer. Either this or begin_stream() is called, once.
  virtual void respond(HttpAnswer answer) = 0;
  // An answer in pieces: `head` without a body, send() as often as there is something, end().
  virtual void begin_stream(HttpAnswer head) = 0;
  virtual void send(std::string_view bytes) = 0;
  virtual void end() = 0;
  // Nothing that was sent waits to be written.
  virtual bool writable() const = 0;

  std::vector<std::pair<std::string, std::string>> headers;  // of the answer, besides its own
  std::function<void()> on_writable;                         // all that was sent is written
  std::function<void()> on_gone;  // the client went away before the answer's end; nothing more need be sent
};

struct HttpOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 8080;          // 0: one that is free
  std::size_t most_body = std::size_t{8} << 20;
  std::size_t most_connections = 4096;
  std::chrono::seconds read_time{60};   // for a request to arrive, the wait for its beginning included
  std::chrono::seconds stall_time{60};  // for a client that takes nothing of its answer
  std::function<std::string(int status, std::string_view message)> error_body;
};

class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest, std::shared_ptr<HttpExchange>)>;

  // Takes the address. An error if it cannot, or if this build has no server.
  static Result<std::unique_ptr<HttpServer>> create(HttpOptions options);
  // What create() would say of the build.
  static Result<void> available();
  virtual ~HttpServer() = default;

  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;
  virtual std::size_t answering() const = 0;  // connections that have an answer to give or to write
  // Listens, and handles requests until stop(). `on_tick` is called about ten times a second, `on_signal` once, at
  // SIGINT or SIGTERM; a second signal does what signals do.
  virtual void run(Handler handler, std::function<void()> on_tick, std::function<void()> on_signal) = 0;
  // By any thread: calls `task` in the loop's.
  virtual void post(std::function<void()> task) = 0;
  // No more connections, and none stays open behind the answer that is on its way.
  virtual void drain() = 0;
  virtual void stop() = 0;
};

}  // namespace continuo
