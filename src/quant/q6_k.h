// Q6_K, 210 bytes for 256 values: the lower 4 bits of q (128 bytes), the upper 2 bits (64 bytes), scales s[16] (int8),
// factor d (binary16). Of each 128 values, value 32 p + i has its lower bits in byte i (p = 0, 2) or 32 + i (p = 1, 3),
// lower half for p < 2, and its upper bits in bits 2 p of byte i. value i = d * s[i / 16] * (q - 32)
#pragma once

#include "quant/fit.h"

namespace continuo {

inline constexpr std::size_t kQ6_KBytes = 210;

inline void q6_k_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kQ6_KBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block + 208);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const std::size_t half = i / 128, part = i % 128 / 32, at = i % 32;
      const int low = byte_at(block, 64 * half + part % 2 * 32 + at) >> (part / 2 * 4) & 15;
      const int high = byte_at(block, 128 + 32 * half + at) >> (2 * part) & 3;
      const float scale = d * static_cast<float>(signed_byte_at(block + 192, i / 16));
      out[i] = scale * static_cast<float>((low | high << 4) - 32);
    }
  });
}

// Scales of the sixteen parts as d * s, s in least .. -least - 1, such that the largest has s = least.
inline float share_signed(const float* scales, int least, int* out, std::byte* factor) {
  const float extreme =
      *std::max_element(scales, scales + 16, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const float d = put_f16(factor, extreme / static_cast<float>(least));
  for (std::size_t i = 0; i < 16; ++i) out[i] = nearest(scales[i] * inverse_of(d), least, -least - 1);
  return d;
}

inline void q6_k_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kQ6_KBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    float scales[16];
    for (std::size_t part = 0; part < 16; ++part) {
      scales[part] = fit_scale({x + 16 * part, 16}, 32, part_of(weights, 16 * part),
                               [](float v) { return static_cast<float>(nearest(v, -32, 31)); });
    }
    int scale_q[16];
    const float d = share_signed(scales, -128, scale_q, block + 208);
    for (std::size_t i = 0; i < 192; ++i) block[i] = std::byte{0};
    for (std::size_t i = 0; i < 16; ++i) block[192 + i] = to_byte(scale_q[i]);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const std::size_t half = i / 128, part = i % 128 / 32, at = i % 32;
      const int q = nearest(x[i] * inverse_of(d * static_cast<float>(scale_q[i / 16])), -32, 31) + 32;
      block[64 * half + part % 2 * 32 + at] |= to_byte((q & 15) << (part / 2 * 4));
      block[128 + 32 * half + at] |= to_byte(q >> 4 << (2 * part));
    }
  });
}

}  // namespace continuo
