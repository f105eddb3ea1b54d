// Who may ask: keys, and what browsers send along.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "serve/http.h"

namespace continuo {

struct AccessRules {
  bool loopback = true;              // the server listens on a loopback address
  std::vector<std::string> keys;     // any of them will do; none: everybody may ask
  std::vector<std::string> hosts;    // names that Host may have, besides those of loopback
  std::vector<std::string> origins;  // "https://example.org": pages that may ask
};

struct Refusal {
  int status = 0;
  std::string code, message;
};

// 127.0.0.0/8, ::1 or "localhost".
bool is_loopback(const std::string& address);

// The keys of a file, one a line. An error if there are none.
Result<std::vector<std::string>> read_keys(const std::string& file);

// In a time that depends on the length of `given` alone.
bool is_key(std::string_view key, std::string_view given);

// What stands against a request. Host and Origin are checked because a page in a browser on this machine can send
// requests to loopback addresses, and can make its own name lead to one (DNS rebinding).
std::optional<Refusal> refusal(const AccessRules& rules, const HttpRequest& request, bool needs_key);

}  // namespace continuo
