// Q4_0, 18 bytes for 32 values: scale d (binary16), q[32] (4 bits). value = d * (q - 8)
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ4_0Bytes = 18;

inline void q4_0_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kQ4_0Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const int q = nibble_at(block + 2, i) - 8;
      out[i] = d * static_cast<float>(q);
    }
  });
}

inline void q4_0_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kQ4_0Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    // The value of the largest magnitude becomes -8 * d, whatever its sign.
    float largest = x[0];
    for (std::size_t i = 1; i < kBlock; ++i) {
      if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
    }
    const float d = largest / -8, inverse = inverse_of(d);
    put_f16(block, d);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      q[i] = static_cast<int>(std::clamp(x[i] * inverse + 8.5f, 0.0f, 15.0f));
    }
    pack_nibbles(q, block + 2);
  });
}

// The same by least squares.
inline void q4_0_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kBlock, kQ4_0Bytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const float scale =
        fit_scale({x, kBlock}, 8, weights, [](float v) { return static_cast<float>(nearest(v, -8, 7)); });
    const float inverse = inverse_of(put_f16(block, scale));
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) q[i] = nearest(x[i] * inverse, -8, 7) + 8;
    pack_nibbles(q, block + 2);
  });
}

}  // namespace continuo
