// Q8_0, 34 bytes for 32 values: scale d (binary16), q[32] (int8). value = d * q
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/block.h"

namespace continuo {

inline constexpr std::size_t kQ8_0Bytes = 34;

inline void q8_0_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kQ8_0Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block);
    for (std::size_t i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(signed_byte_at(block + 2, i));
  });
}

inline void q8_0_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kQ8_0Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    float largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::fabs(x[i]));
    const float d = largest / 127, inverse = inverse_of(d);
    put_f16(block, d);
    for (std::size_t i = 0; i < kBlock; ++i) {
      block[2 + i] = to_byte(static_cast<int>(std::clamp(std::round(x[i] * inverse), -127.0f, 127.0f)));
    }
  });
}

}  // namespace continuo
