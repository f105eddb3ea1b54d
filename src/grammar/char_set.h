// Sets of Unicode code points.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace continuo {

// Ranges, both ends included.
using CharRange = std::pair<std::uint32_t, std::uint32_t>;
using CharSet = std::vector<CharRange>;

inline constexpr std::uint32_t kLastChar = 0x10ffff;

// Ascending, without overlaps, without surrogates.
CharSet normalized(CharSet set);
// All others; of a normalized set.
CharSet complement(const CharSet& set);

}  // namespace continuo
