// Numbers as typed, all of the text or an error.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "base/error.h"

namespace continuo {

template <class Number>
Result<Number> parse_number(std::string_view text, std::string_view option, std::string_view expected) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return usage_error(fmt::format("{} is '{}', expected {}", option, text, expected));
  }
  return number;
}

}  // namespace continuo
