// Keys, hosts and origins.
#include "serve/access.h"

#include <fstream>

#include "catch.h"
#include "serve/metrics.h"
#include "support.h"

using namespace continuo;

namespace {

int status(const AccessRules& rules, HttpRequest request, bool needs_key = true) {
  const auto why = refusal(rules, request, needs_key);
  return why ? why->status : 200;
}

HttpRequest from(std::string host, std::optional<std::string> origin = {},
                 std::optional<std::string> authorization = {}) {
  HttpRequest request;
  request.host = std::move(host);
  request.origin = std::move(origin);
  request.authorization = std::move(authorization);
  return request;
}

}  // namespace

TEST_CASE("a key is the whole key") {
  CHECK(is_key("secret", "secret"));
  for (const char* other : {"", "s", "secre", "secrets", "secretsecret", "Secret", "secres"}) {
    INFO(other);
    CHECK(!is_key("secret", other));
  }
  CHECK(!is_key("", ""));
  CHECK(!is_key("", "a"));
}

TEST_CASE("loopback addresses") {
  for (const char* yes : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"}) CHECK(is_loopback(yes));
  for (const char* no : {"", "0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "127.1"})
    CHECK(!is_loopback(no));
}

TEST_CASE("on loopback a request names a loopback host") {
  const AccessRules rules{.hosts = {"models.example"}};
  for (const char* host :
       {"localhost", "localhost:80", "127.0.0.1:8080", "[::1]:8080", "[::1]", "models.example:1", "MODELS.example"}) {
    INFO(host);
    CHECK(status(rules, from(host)) == 200);
  }
  for (const char* host :
       {"", "evil.example", "localhost.evil.example:80", "192.168.0.1", "[fe80::1]", "[", ":80", "[]"}) {
    INFO(host);
    CHECK(status(rules, from(host)) == 403);
  }
}

TEST_CASE("elsewhere a request names an address, or its key counts") {
  const AccessRules open{.loopback = false}, keyed{.loopback = false, .keys = {"k"}};
  CHECK(status(open, from("192.168.0.1:8080")) == 200);
  CHECK(status(open, from("evil.example")) == 403);
  CHECK(status(keyed, from("models.example")) == 401);
  CHECK(status(keyed, from("models.example", {}, "Bearer k")) == 200);
  CHECK(status(keyed, from("models.example"), false) == 200);
}

TEST_CASE("pages of other origins are refused") {
  const AccessRules rules{.origins = {"https://page.example"}};
  CHECK(status(rules, from("localhost:1", "https://page.example")) == 200);
  CHECK(status(rules, from("localhost:1", "http://localhost:1")) == 200);
  for (const char* origin :
       {"http://localhost:2", "https://localhost:1", "null", "", "https://page.example.evil", "http://page.example"}) {
    INFO(origin);
    CHECK(status(rules, from("localhost:1", origin)) == 403);
  }
}

TEST_CASE("seconds in buckets") {
  SecondsHistogram histogram;
  for (const double seconds : {0.001, 0.005, 0.006, 1000.0}) histogram.add(seconds);
  const std::string lines = histogram.lines("x", "help");
  CHECK(lines.find("x_bucket{le=\"0.005\"} 2\n") != std::string::npos);
  CHECK(lines.find("x_bucket{le=\"0.01\"} 3\n") != std::string::npos);
  CHECK(lines.find("x_bucket{le=\"+Inf\"} 4\n") != std::string::npos);
  CHECK(lines.find("x_count 4\n") != std::string::npos);
}
