#include "sampling/order.h"

#include <algorithm>
#include <cstring>

#include "base/compiler.h"

namespace continuo {

namespace {

// The largest order of kScoreGroup scores, in the vector registers of a processor.
template <std::size_t kBytes>
CONTINUO_INLINE std::int32_t best_of_group(const float* scores) {
  typedef float Floats __attribute__((vector_size(kBytes)));
  typedef std::int32_t Orders __attribute__((vector_size(kBytes)));
  constexpr std::size_t kLanes = kBytes / sizeof(float);
  Orders bests = Orders{} + kNotFinite;
  for (std::size_t i = 0; i < kScoreGroup; i += kLanes) {
    Floats f;
    std::memcpy(&f, scores + i, sizeof f);
    const Orders bits = __builtin_bit_cast(Orders, f + 0.0f);
    Orders order = bits ^ ((bits >> 31) & 0x7fffffff);
    order = (bits & 0x7f800000) == 0x7f800000 ? Orders{} + kNotFinite : order;
    bests = order > bests ? order : bests;
  }
  std::int32_t each[kLanes];
  std::memcpy(each, &bests, sizeof each);
  return *std::max_element(each, each + kLanes);
}

template <std::size_t kBytes>
CONTINUO_INLINE void best_of_groups(const float* scores, std::size_t groups, std::int32_t* bests) {
  for (std::size_t g = 0; g < groups; ++g) bests[g] = best_of_group<kBytes>(scores + g * kScoreGroup);
}

using BestOfGroups = void (*)(const float* scores, std::size_t groups, std::int32_t* bests);

void best_of_groups_anywhere(const float* scores, std::size_t groups, std::int32_t* bests) {
  best_of_groups<16>(scores, groups, bests);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void best_of_groups_avx2(const float* scores, std::size_t groups, std::int32_t* bests) {
  best_of_groups<32>(scores, groups, bests);
}

BestOfGroups best_of_groups_here() {
  return __builtin_cpu_supports("avx2") ? best_of_groups_avx2 : best_of_groups_anywhere;
}
#else
BestOfGroups best_of_groups_here() { return best_of_groups_anywhere; }
#endif

}  // namespace

std::int32_t best_orders(std::span<const float> scores, std::int32_t* bests) {
  static const BestOfGroups best_of_groups = best_of_groups_here();
  const std::size_t whole = scores.size() / kScoreGroup;
  best_of_groups(scores.data(), whole, bests);
  std::int32_t best = whole > 0 ? *std::max_element(bests, bests + whole) : kNotFinite;
  if (whole * kScoreGroup < scores.size()) {
    bests[whole] = kNotFinite;
    for (const float score : scores.subspan(whole * kScoreGroup))
      bests[whole] = std::max(bests[whole], order_of(score));
    best = std::max(best, bests[whole]);
  }
  return best;
}

}  // namespace continuo
