// Any bytes to the HTTP server, over loopback: it answers or hangs up, and goes on. In the first byte: whether the answer is
// whole or a stream, and where the bytes are cut in two.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "serve/http.h"

namespace {

using namespace continuo;

void answer(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  if (!request.body.empty()) return exchange->respond({.body = request.body});
  exchange->begin_stream({.content_type = "text/event-stream"});
  exchange->send(request.path);
  exchange->end();
}

// Listens as long as the process lives.
std::uint16_t port() {
  static const std::unique_ptr<HttpServer> server = [] {
    HttpOptions options{.port = 0, .most_body = 1 << 16};
    options.error_body = [](int, std::string_view message) { return std::string(message); };
    auto created = HttpServer::create(options);
    if (!created) std::abort();
    std::thread([http = created->get()] {
      http->run([](HttpRequest request, std::shared_ptr<HttpExchange> exchange) { answer(request, exchange); }, [] {},
                [] {});
    }).detach();
    return std::move(*created);
  }();
  return server->port();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  if (client < 0 || connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::size_t cut = 1 + data[0] % (size - 1);
  (void)!send(client, data + 1, cut - 1, MSG_NOSIGNAL);
  (void)!send(client, data + cut, size - cut, MSG_NOSIGNAL);
  shutdown(client, SHUT_WR);
  char block[4096];
  ssize_t n = 0;
  while ((n = recv(client, block, sizeof block, 0)) > 0) {
  }
  if (n < 0 && errno == EAGAIN) std::abort();  // it neither answers nor hangs up
  close(client);
  return 0;
}
