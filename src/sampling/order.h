// Scores as integers in the same order, so that what is not finite comes last.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <span>

namespace continuo {

// The order of a score that is not finite: below all of those that are.
inline constexpr std::int32_t kNotFinite = std::numeric_limits<std::int32_t>::min();

inline std::int32_t order_of(float score) {
  const auto bits = std::bit_cast<std::int32_t>(score + 0.0f);  // -0 is 0
  const std::int32_t order = bits ^ ((bits >> 31) & 0x7fffffff);
  return (bits & 0x7f800000) == 0x7f800000 ? kNotFinite : order;
}

// Of a finite score.
inline float score_of(std::int32_t order) { return std::bit_cast<float>(order ^ ((order >> 31) & 0x7fffffff)); }

// Scores in groups of this size, the last as large as scores are left.
inline constexpr std::size_t kScoreGroup = 64;

// bests[g]: the largest order in group g. Returns the largest of all; kNotFinite if there are no scores.
std::int32_t best_orders(std::span<const float> scores, std::int32_t* bests);

}  // namespace continuo
