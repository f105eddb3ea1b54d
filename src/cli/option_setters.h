// What rows of the table do with a value: one template a kind of value. Path leads from Options to the field,
// for example &Options::batch, &BatchOptions::memory.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "base/numbers.h"
#include "cli/option_row.h"

namespace continuo {

template <auto First, auto... Rest>
auto& field_at(auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return field_at<Rest...>(object.*First);
  }
}

template <class T>
struct ValueOf {
  using type = T;
};
template <class T>
struct ValueOf<std::optional<T>> {
  using type = T;
};

template <auto... Path>
Result<void> turn_on(const OptionRow&, Options& options, const std::string&) {
  field_at<Path...>(options) = true;
  return {};
}

// Any text but the empty one, which is what an unset variable of a script leaves.
template <auto... Path>
Result<void> set_text(const OptionRow& row, Options& options, const std::string& value) {
  if (value.empty()) {
    return usage_error(fmt::format("--{} is empty, expected {}", row.name, row.expected), "is a variable unset?");
  }
  field_at<Path...>(options) = value;
  return {};
}

// One more text, not empty.
template <auto... Path>
Result<void> add_text(const OptionRow& row, Options& options, const std::string& value) {
  if (value.empty()) {
    return usage_error(fmt::format("--{} is empty, expected {}", row.name, row.expected), "is a variable unset?");
  }
  field_at<Path...>(options).push_back(value);
  return {};
}

template <auto... Path>
Result<void> set_number(const OptionRow& row, Options& options, const std::string& value) {
  auto& field = field_at<Path...>(options);
  using Number = typename ValueOf<std::remove_reference_t<decltype(field)>>::type;
  CONTINUO_TRY(field, parse_number<Number>(value, fmt::format("--{}", row.name), row.expected));
  return {};
}

// A whole number from Least to Most.
template <long long Least, long long Most, auto... Path>
Result<void> set_whole(const OptionRow& row, Options& options, const std::string& value) {
  CONTINUO_TRY(const auto number, parse_number<long long>(value, fmt::format("--{}", row.name), row.expected));
  if (number < Least || number > Most) {
    return usage_error(fmt::format("--{} is {}, expected {}", row.name, value, row.expected));
  }
  auto& field = field_at<Path...>(options);
  using Number = typename ValueOf<std::remove_reference_t<decltype(field)>>::type;
  field = static_cast<Number>(number);
  return {};
}

// A number of bytes: 1048576, 512K, 64M, 2G.
Result<std::size_t> parse_bytes(const OptionRow& row, const std::string& value);

template <auto... Path>
Result<void> set_bytes(const OptionRow& row, Options& options, const std::string& value) {
  CONTINUO_TRY(field_at<Path...>(options), parse_bytes(row, value));
  return {};
}

// One or several ids, with commas between.
template <std::vector<TokenId> Options::*Member>
Result<void> add_token_ids(const OptionRow& row, Options& options, const std::string& value) {
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find(',', at), value.size());
    CONTINUO_TRY(const auto id,
                 parse_number<TokenId>(value.substr(at, end - at), fmt::format("--{}", row.name), row.expected));
    (options.*Member).push_back(id);
    at = end + 1;
  }
  return {};
}

}  // namespace continuo
