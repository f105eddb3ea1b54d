// A build without Boost.
#include "serve/http.h"

namespace continuo {

Result<void> HttpServer::available() {
  return usage_error("this build has no server", "it was built without Boost.Beast; Debian's package is libboost-dev");
}

Result<std::unique_ptr<HttpServer>> HttpServer::create(HttpOptions) { return available().error(); }

}  // namespace continuo
