#include "serve/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace continuo {

namespace {

constexpr std::size_t kMostKeys = 1000;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// "NAME:PORT" without the port; "[::1]:8080" is "::1".
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(1, std::min(host.find(']'), host.size()) - 1));
  return std::string(host.substr(0, host.find(':')));
}

bool is_address(const std::string& name) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, name.c_str(), &v4) == 1 || inet_pton(AF_INET6, name.c_str(), &v6) == 1;
}

bool is_known_host(const AccessRules& rules, const std::string& host) {
  const std::string name = host_name(host);
  if (is_loopback(name)) return true;
  if (std::any_of(rules.hosts.begin(), rules.hosts.end(), [&](const auto& known) { return same_name(known, name); }))
    return true;
  // No page has an address for its name; and a page that does not know the key gets nothing.
  return !rules.loopback && (is_address(name) || !rules.keys.empty());
}

bool is_known_origin(const AccessRules& rules, const std::string& origin, const std::string& host) {
  if (same_name(origin, "http://" + host)) return true;
  return std::any_of(rules.origins.begin(), rules.origins.end(),
                     [&](const auto& known) { return same_name(known, origin); });
}

}  // namespace

bool is_loopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) return std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
  return same_name(address, "localhost");
}

Result<std::vector<std::string>> read_keys(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return Error{
        .kind = ErrorKind::usage, .what = std::string("cannot read the keys: ") + std::strerror(errno), .file = file};
  std::vector<std::string> keys;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (keys.size() == kMostKeys) {
      return Error{.kind = ErrorKind::usage, .what = fmt::format("has more than {} keys", kMostKeys), .file = file};
    }
    keys.push_back(std::move(line));
  }
  if (keys.empty()) return Error{.kind = ErrorKind::usage, .what = "has no key, expected one a line", .file = file};
  return keys;
}

bool is_key(std::string_view key, std::string_view given) {
  volatile unsigned char difference = key.size() == given.size() && !key.empty() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = key.empty() ? '\0' : key[i % key.size()];
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected)));
  }
  return difference == 0;
}

std::optional<Refusal> refusal(const AccessRules& rules, const HttpRequest& request, bool needs_key) {
  if (!is_known_host(rules, request.host)) {
    return Refusal{403, "host_not_allowed", "the Host header names a host that this server does not answer for"};
  }
  if (request.origin && !is_known_origin(rules, *request.origin, request.host)) {
    return Refusal{403, "origin_not_allowed", "pages of this origin may not ask this server"};
  }
  const bool cross_site =
      request.fetch_site && (*request.fetch_site == "cross-site" || *request.fetch_site == "same-site");
  if (cross_site && !request.origin) {
    return Refusal{403, "origin_not_allowed", "pages of other sites may not ask this server"};
  }
  if (!needs_key || rules.keys.empty()) return std::nullopt;
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization =
      request.authorization ? std::string_view(*request.authorization) : std::string_view();
  const bool bearer = same_name(authorization.substr(0, kBearer.size()), kBearer);
  const std::string_view given = bearer ? authorization.substr(kBearer.size()) : std::string_view();
  bool known = false;
  for (const std::string& key : rules.keys) known = is_key(key, given) || known;  // all are compared, whichever fits
  if (known) return std::nullopt;
  return Refusal{401, "invalid_api_key",
                 bearer ? "the key is not one of this server's" : "expected a header \"Authorization: Bearer KEY\""};
}

}  // namespace continuo
