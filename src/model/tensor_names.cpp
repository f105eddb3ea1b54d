#include "model/tensor_names.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo {

std::string role_text(Role role, const TensorPlace& place) {
  const std::string_view text = role_text(role);
  return place.layer ? fmt::format("layer {} {}", *place.layer, text) : std::string(text);
}

std::string file_name(std::string_view pattern, std::string_view prefix, const TensorPlace& place) {
  std::string name;
  const std::size_t number = place.number.value_or(place.layer.value_or(0));
  for (const char c : pattern) {
    if (c == '*')
      name += prefix;
    else if (c == '#')
      name += std::to_string(number);
    else if (c == '&' || c == '^')
      name += std::to_string(2 * number + (c == '^' ? 1 : 0));
    else if (c == '%')
      name += place.stack;
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
    } else if (c == '#' || c == '@' || c == '&' || c == '^') {
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
