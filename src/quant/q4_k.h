// Q4_K, 144 bytes for 256 values: factors d and m (binary16), scales s[8] and offsets o[8] (6 bits, k_scales.h), q[256]
// (4 bits; of each 64 values the first 32 in the lower halves of 32 bytes). value i = d * s[i / 32] * q - m * o[i / 32]
#pragma once

#include "quant/fit.h"
#include "quant/k_scales.h"

namespace continuo {

inline constexpr std::size_t kQ4_KBytes = 144;

inline void q4_k_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kQ4_KBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const std::byte* const scales = block + 4;
    for (std::size_t part = 0; part < 8; ++part) {
      const float scale = f16_at(block) * static_cast<float>(k_scale(scales, part));
      const float offset = f16_at(block + 2) * static_cast<float>(k_offset(scales, part));
      const std::byte* const q = block + 16 + part / 2 * 32;
      for (std::size_t i = 0; i < 32; ++i) {
        out[32 * part + i] = scale * static_cast<float>(byte_at(q, i) >> (part % 2 * 4) & 15) - offset;
      }
    }
  });
}

// What Q4_K and Q5_K have in common: scales and offsets of the eight parts stored at `block`, q in 0 .. top chosen.
inline void fit_parts(const float* x, const float* weights, int top, std::byte* block, int* q) {
  float scales[8], offsets[8];
  for (std::size_t part = 0; part < 8; ++part) {
    const Line line = fit_line({x + 32 * part, 32}, top, part_of(weights, 32 * part));
    scales[part] = line.scale;
    offsets[part] = line.offset;
  }
  int scale_q[8], offset_q[8];
  const float d = share_factor(scales, 63, scale_q, block), m = share_factor(offsets, 63, offset_q, block + 2);
  pack_k_scales(scale_q, offset_q, block + 4);
  for (std::size_t i = 0; i < kSuperBlock; ++i) {
    const float scale = d * static_cast<float>(scale_q[i / 32]), offset = m * static_cast<float>(offset_q[i / 32]);
    q[i] = nearest((x[i] + offset) * inverse_of(scale), 0, top);
  }
}

inline void q4_k_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kQ4_KBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    int q[kSuperBlock];
    fit_parts(x, weights, 15, block, q);
    for (std::size_t i = 0; i < 128; ++i) {
      const int* const of = q + i / 32 * 64 + i % 32;
      block[16 + i] = to_byte(of[0] | of[32] << 4);
    }
  });
}

}  // namespace continuo
