// Q5_1, 24 bytes for 32 values: scale d, smallest value m (binary16), the upper bits of q, the lower four bits of q.
// value = d * q + m
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ5_1Bytes = 24;

inline void q5_1_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kQ5_1Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block), m = f16_at(block + 2);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const int q = nibble_at(block + 8, i) | bit_at(block + 4, i) << 4;
      out[i] = d * static_cast<float>(q) + m;
    }
  });
}

inline void q5_1_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kQ5_1Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    const auto [smallest, largest] = std::minmax_element(x, x + kBlock);
    const float m = *smallest, d = (*largest - m) / 31, inverse = inverse_of(d);
    put_f16(block, d);
    put_f16(block + 2, m);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      q[i] = static_cast<int>(std::clamp((x[i] - m) * inverse + 0.5f, 0.0f, 31.0f));
    }
    pack_bits(q, 4, block + 4);
    pack_nibbles(q, block + 8);
  });
}

// The same by least squares.
inline void q5_1_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kBlock, kQ5_1Bytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const Line line = fit_line({x, kBlock}, 31, weights);
    const float inverse = inverse_of(put_f16(block, line.scale)), least = put_f16(block + 2, -line.offset);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) q[i] = nearest((x[i] - least) * inverse, 0, 31);
    pack_bits(q, 4, block + 4);
    pack_nibbles(q, block + 8);
  });
}

}  // namespace continuo
