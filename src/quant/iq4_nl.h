// IQ4_NL, 18 bytes for 32 values: scale d (binary16), q[32] (4 bits). value = d * kIq4Values[q]: denser near 0, where
// weights are
#pragma once

#include <array>

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kIQ4_NLBytes = 18;
inline constexpr std::array<std::int8_t, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                           1,    13,   25,  38,  53,  69,  89,  113};

inline void iq4_nl_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kIQ4_NLBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block);
    for (std::size_t i = 0; i < kBlock; ++i) {
      out[i] = d * static_cast<float>(kIq4Values[static_cast<std::size_t>(nibble_at(block + 2, i))]);
    }
  });
}

// The index of the table's nearest value.
inline int iq4_nearest(float v) {
  int best = 0;
  while (best < 15) {
    const auto next = static_cast<std::size_t>(best) + 1;
    const float middle = 0.5f * static_cast<float>(kIq4Values[next - 1] + kIq4Values[next]);
    if (v <= middle) break;
    ++best;
  }
  return best;
}
inline float iq4_nearest_value(float v) {
  return static_cast<float>(kIq4Values[static_cast<std::size_t>(iq4_nearest(v))]);
}

inline void iq4_nl_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kBlock, kIQ4_NLBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const float d = put_f16(block, fit_scale({x, kBlock}, 127, weights, iq4_nearest_value));
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) q[i] = iq4_nearest(x[i] * inverse_of(d));
    pack_nibbles(q, block + 2);
  });
}

}  // namespace continuo
