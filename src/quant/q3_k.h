// Q3_K, 110 bytes for 256 values: the upper bit of q (32 bytes: bit 4 h + p of byte i for value 128 h + 32 p + i), the
// lower 2 bits (64 bytes, as Q2_K's), scales s[16] (6 bits in 12 bytes), factor d (binary16). value i = d * (s[i / 16]
// - 32) * (q - 4)
#pragma once

#include "quant/q6_k.h"

namespace continuo {

inline constexpr std::size_t kQ3_KBytes = 110;

// Lower 4 bits: bytes 0 to 7, scales 8 and on in the upper halves; upper 2 bits: bits 2 (i / 4) of byte 8 + i % 4.
inline int q3_k_scale(const std::byte* p, std::size_t i) {
  return (byte_at(p, i % 8) >> (i / 8 * 4) & 15) | (byte_at(p, 8 + i % 4) >> (i / 4 * 2) & 3) << 4;
}

inline void q3_k_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kQ3_KBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block + 108);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const int low = byte_at(block + 32, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
      const int high = byte_at(block, i % 32) >> (i / 32) & 1;
      const float scale = d * static_cast<float>(q3_k_scale(block + 96, i / 16) - 32);
      out[i] = scale * static_cast<float>((low | high << 2) - 4);
    }
  });
}

inline void q3_k_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kQ3_KBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    float scales[16];
    for (std::size_t part = 0; part < 16; ++part) {
      scales[part] = fit_scale({x + 16 * part, 16}, 4, part_of(weights, 16 * part),
                               [](float v) { return static_cast<float>(nearest(v, -4, 3)); });
    }
    for (std::size_t i = 0; i < kQ3_KBytes; ++i) block[i] = std::byte{0};
    int s[16];
    const float d = share_signed(scales, -32, s, block + 108);
    for (std::size_t i = 0; i < 16; ++i) {
      block[96 + i % 8] |= to_byte(((s[i] + 32) & 15) << (i / 8 * 4));
      block[104 + i % 4] |= to_byte((s[i] + 32) >> 4 << (i / 4 * 2));
    }
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const int q = nearest(x[i] * inverse_of(d * static_cast<float>(s[i / 16])), -4, 3) + 4;
      block[i % 32] |= to_byte(q >> 2 << (i / 32));
      block[32 + i / 128 * 32 + i % 32] |= to_byte((q & 3) << (i % 128 / 32 * 2));
    }
  });
}

}  // namespace continuo
