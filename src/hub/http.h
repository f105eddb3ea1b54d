// One exchange with a web server. Redirects, retries and what a status means are the caller's (download.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo::hub {

struct HttpRequest {
  std::string url;
  std::string token = {};  // sent as a bearer token; empty: none
  std::uint64_t from = 0;  // the first byte that is wanted of what the URL names
};

struct HttpAnswer {
  int status = 0;                // 0: no whole answer came; `failure` says why
  std::string failure = {};      // "Connection refused"
  std::string location = {};     // of a redirect, as an absolute URL
  std::string retry_after = {};  // header fields as they came
  std::string content_range = {};
  std::string error_code = {};  // X-Error-Code
};

class Http {
 public:
  // Takes the body of an answer with status 200 or 206, piece by piece; false ends the exchange.
  using Take = std::function<bool(const HttpAnswer& head, std::string_view piece)>;

  // An error where this build or this system cannot do it.
  static Result<std::unique_ptr<Http>> create(const std::atomic<bool>& interrupted);
  virtual ~Http() = default;
  virtual HttpAnswer get(const HttpRequest& request, const Take& take) = 0;
};

}  // namespace continuo::hub
