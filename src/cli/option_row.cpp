#include "cli/option_row.h"

#include <algorithm>
#include <cstdint>

#include "cli/option_setters.h"

namespace continuo {

std::vector<std::string_view> split_list(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    items.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return items;
}

Error bad_value(const OptionRow& row, const std::string& value) {
  return usage_error(fmt::format("--{} is '{}', expected {}", row.name, value, row.expected));
}

Result<std::size_t> parse_bytes(const OptionRow& row, const std::string& value) {
  const std::size_t unit = std::string_view("KMG").find(value.empty() ? ' ' : value.back());
  const bool plain = unit == std::string_view::npos;
  const std::string_view digits = std::string_view(value).substr(0, value.size() - (plain ? 0 : 1));
  const auto number = parse_number<std::size_t>(digits, "", "");
  const int shift = plain ? 0 : 10 * (static_cast<int>(unit) + 1);
  if (!number || *number == 0 || *number > SIZE_MAX >> shift) return bad_value(row, value);
  return *number << shift;
}

}  // namespace continuo
