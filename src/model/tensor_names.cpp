#include "model/tensor_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace continuo {

namespace {

// clang-format off
constexpr std::array kRoles = std::to_array<std::string_view>({
    "embedding", "embedding norm", "embedding norm bias", "embedding widening", "learned positions",
    "mixer norm", "mixer norm bias", "mixer output norm",
    "attention q", "attention q bias", "attention k", "attention k bias", "attention v", "attention v bias",
    "attention qkv", "attention qkv bias",
    "attention q norm", "attention q norm bias", "attention k norm", "attention k norm bias",
    "attention out", "attention out bias",
    "feed-forward norm", "feed-forward norm bias", "feed-forward output norm", "feed-forward gate and up",
    "feed-forward gate", "feed-forward gate bias", "feed-forward up", "feed-forward up bias",
    "feed-forward down", "feed-forward down bias",
    "router", "expert gate", "expert up", "expert down", "expert gate and up",
    "shared expert gate", "shared expert up", "shared expert down", "shared expert router",
    "final norm", "final norm bias", "output narrowing", "output", "output bias"});
// clang-format on
static_assert(kRoles.size() == static_cast<std::size_t>(Role::output_bias) + 1);

}  // namespace

std::string role_text(Role role, const TensorPlace& place) {
  const std::string_view text = kRoles[static_cast<std::size_t>(role)];
  return place.layer ? fmt::format("layer {} {}", *place.layer, text) : std::string(text);
}

std::string file_name(std::string_view pattern, std::string_view prefix, const TensorPlace& place) {
  std::string name;
  for (const char c : pattern) {
    if (c == '*')
      name += prefix;
    else if (c == '#')
      name += std::to_string(place.layer.value_or(0));
    else if (c == '@')
      name += std::to_string(place.part);
    else
      name += c;
  }
  return name;
}

bool matches(std::string_view pattern, std::string_view prefix, std::string_view name) {
  while (!pattern.empty()) {
    const char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '*') {
      if (!name.starts_with(prefix)) return false;
      name.remove_prefix(prefix.size());
    } else if (c == '#' || c == '@') {
      const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
      if (digits == 0) return false;
      name.remove_prefix(digits);
    } else {
      if (name.empty() || name.front() != c) return false;
      name.remove_prefix(1);
    }
  }
  return name.empty();
}

}  // namespace continuo
