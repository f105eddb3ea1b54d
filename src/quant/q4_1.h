// Q4_1, 20 bytes for 32 values: scale d, smallest value m (binary16), q[32] (4 bits). value = d * q + m
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ4_1Bytes = 20;

inline void q4_1_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kQ4_1Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block), m = f16_at(block + 2);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const int q = nibble_at(block + 4, i);
      out[i] = d * static_cast<float>(q) + m;
    }
  });
}

inline void q4_1_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kQ4_1Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    const auto [smallest, largest] = std::minmax_element(x, x + kBlock);
    const float m = *smallest, d = (*largest - m) / 15, inverse = inverse_of(d);
    put_f16(block, d);
    put_f16(block + 2, m);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      q[i] = static_cast<int>(std::clamp((x[i] - m) * inverse + 0.5f, 0.0f, 15.0f));
    }
    pack_nibbles(q, block + 4);
  });
}

// The same by least squares.
inline void q4_1_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kBlock, kQ4_1Bytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const Line line = fit_line({x, kBlock}, 15, weights);
    const float inverse = inverse_of(put_f16(block, line.scale)), least = put_f16(block + 2, -line.offset);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) q[i] = nearest((x[i] - least) * inverse, 0, 15);
    pack_nibbles(q, block + 4);
  });
}

}  // namespace continuo
