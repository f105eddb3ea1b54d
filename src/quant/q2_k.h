// Q2_K, 84 bytes for 256 values: scales s[16] (lower 4 bits) with offsets o[16] (upper 4 bits), q[256] (2 bits: of each
// 128 values, value 32 p + i in bits 2 p of byte i), factors d and m (binary16). value i = d * s[i / 16] * q - m * o[i
// / 16]
#pragma once

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ2_KBytes = 84;

inline void q2_k_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kQ2_KBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block + 80), m = f16_at(block + 82);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const int both = byte_at(block, i / 16);
      const int q = byte_at(block + 16, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
      out[i] = d * static_cast<float>(both & 15) * static_cast<float>(q) - m * static_cast<float>(both >> 4);
    }
  });
}

inline void q2_k_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kQ2_KBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    float scales[16], offsets[16];
    for (std::size_t part = 0; part < 16; ++part) {
      const Line line = fit_line({x + 16 * part, 16}, 3, part_of(weights, 16 * part));
      scales[part] = line.scale;
      offsets[part] = line.offset;
    }
    int s[16], o[16];
    const float d = share_factor(scales, 15, s, block + 80), m = share_factor(offsets, 15, o, block + 82);
    for (std::size_t i = 0; i < 16; ++i) block[i] = to_byte(s[i] | o[i] << 4);
    for (std::size_t i = 0; i < 64; ++i) block[16 + i] = std::byte{0};
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const float offset = m * static_cast<float>(o[i / 16]);
      const int q = nearest((x[i] + offset) * inverse_of(d * static_cast<float>(s[i / 16])), 0, 3);
      block[16 + i / 128 * 32 + i % 32] |= to_byte(q << (i % 128 / 32 * 2));
    }
  });
}

}  // namespace continuo
