#include "grammar/char_set.h"

#include <algorithm>

namespace continuo {

namespace {

constexpr std::uint32_t kFirstSurrogate = 0xd800, kLastSurrogate = 0xdfff;

}  // namespace

CharSet normalized(CharSet set) {
  CharSet whole;
  for (const auto& [first, last] : set) {
    if (first < kFirstSurrogate) whole.push_back({first, std::min(last, kFirstSurrogate - 1)});
    if (last > kLastSurrogate) whole.push_back({std::max(first, kLastSurrogate + 1), std::min(last, kLastChar)});
  }
  std::sort(whole.begin(), whole.end());
  CharSet merged;
  for (const CharRange& range : whole) {
    if (range.first > range.second) continue;
    if (!merged.empty() && range.first <= merged.back().second + 1) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

CharSet complement(const CharSet& set) {
  CharSet others;
  std::uint32_t next = 0;
  for (const auto& [first, last] : set) {
    if (first > next) others.push_back({next, first - 1});
    next = last + 1;
  }
  if (next <= kLastChar) others.push_back({next, kLastChar});
  return normalized(std::move(others));
}

}  // namespace continuo
