// Q5_K, 176 bytes for 256 values: as Q4_K, with a fifth bit of each q between the scales and the other four: bit p of
// the
// 32 bytes' i-th belongs to value i of part p. value i = d * s[i / 32] * q - m * o[i / 32]
#pragma once

#include "quant/q4_k.h"

namespace continuo {

inline constexpr std::size_t kQ5_KBytes = 176;

inline void q5_k_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kQ5_KBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const std::byte *const scales = block + 4, *const high = block + 16;
    for (std::size_t part = 0; part < 8; ++part) {
      const float scale = f16_at(block) * static_cast<float>(k_scale(scales, part));
      const float offset = f16_at(block + 2) * static_cast<float>(k_offset(scales, part));
      const std::byte* const low = block + 48 + part / 2 * 32;
      for (std::size_t i = 0; i < 32; ++i) {
        const int q = (byte_at(low, i) >> (part % 2 * 4) & 15) | (byte_at(high, i) >> part & 1) << 4;
        out[32 * part + i] = scale * static_cast<float>(q) - offset;
      }
    }
  });
}

inline void q5_k_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kQ5_KBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    int q[kSuperBlock];
    fit_parts(x, weights, 31, block, q);
    for (std::size_t i = 0; i < 32; ++i) {
      int high = 0;
      for (std::size_t part = 0; part < 8; ++part) high |= q[32 * part + i] >> 4 << part;
      block[16 + i] = to_byte(high);
    }
    for (std::size_t i = 0; i < 128; ++i) {
      const int* const of = q + i / 32 * 64 + i % 32;
      block[48 + i] = to_byte((of[0] & 15) | (of[32] & 15) << 4);
    }
  });
}

}  // namespace continuo
