// Q5_0, 22 bytes for 32 values: scale d (binary16), the upper bits of q, the lower four bits of q.
// value = d * (q - 16)
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ5_0Bytes = 22;

inline void q5_0_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kQ5_0Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const int q = (nibble_at(block + 6, i) | bit_at(block + 2, i) << 4) - 16;
      out[i] = d * static_cast<float>(q);
    }
  });
}

inline void q5_0_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kQ5_0Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    // The value of the largest magnitude becomes -16 * d, whatever its sign.
    float largest = x[0];
    for (std::size_t i = 1; i < kBlock; ++i) {
      if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
    }
    const float d = largest / -16, inverse = inverse_of(d);
    put_f16(block, d);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      q[i] = static_cast<int>(std::clamp(x[i] * inverse + 16.5f, 0.0f, 31.0f));
    }
    pack_bits(q, 4, block + 2);
    pack_nibbles(q, block + 6);
  });
}

// The same by least squares.
inline void q5_0_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kBlock, kQ5_0Bytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const float scale =
        fit_scale({x, kBlock}, 16, weights, [](float v) { return static_cast<float>(nearest(v, -16, 15)); });
    const float inverse = inverse_of(put_f16(block, scale));
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) q[i] = nearest(x[i] * inverse, -16, 15) + 16;
    pack_bits(q, 4, block + 2);
    pack_nibbles(q, block + 6);
  });
}

}  // namespace continuo
