// IQ4_XS, 136 bytes for 256 values: factor d (binary16), scales s[8]: upper 2 bits (16 bits together), lower 4 bits (4
// bytes); q[256] (4 bits, each 32 as IQ4_NL's). value i = d * (s[i / 32] - 32) * kIq4Values[q]
#pragma once

#include "quant/iq4_nl.h"

namespace continuo {

inline constexpr std::size_t kIQ4_XSBytes = 136;

inline int iq4_xs_scale(const std::byte* block, std::size_t part) {
  const int low = byte_at(block + 4, part / 2) >> (part % 2 * 4) & 15;
  const int high = byte_at(block + 2, part / 4) >> (part % 4 * 2) & 3;
  return (low | high << 4) - 32;
}

inline void iq4_xs_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ4_XSBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t part = 0; part < 8; ++part) {
      const float scale = f16_at(block) * static_cast<float>(iq4_xs_scale(block, part));
      for (std::size_t i = 0; i < 32; ++i) {
        const auto q = static_cast<std::size_t>(nibble_at(block + 8 + 16 * part, i));
        out[32 * part + i] = scale * static_cast<float>(kIq4Values[q]);
      }
    }
  });
}

inline void iq4_xs_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kIQ4_XSBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    float scales[8], extreme = 0;
    for (std::size_t part = 0; part < 8; ++part) {
      scales[part] = fit_scale({x + 32 * part, 32}, 127, part_of(weights, 32 * part), iq4_nearest_value);
      if (std::fabs(scales[part]) > std::fabs(extreme)) extreme = scales[part];
    }
    const float d = put_f16(block, extreme / -32);
    for (std::size_t i = 2; i < 8; ++i) block[i] = std::byte{0};
    for (std::size_t part = 0; part < 8; ++part) {
      const int s = nearest(scales[part] * inverse_of(d), -32, 31);
      block[4 + part / 2] |= to_byte(((s + 32) & 15) << (part % 2 * 4));
      block[2 + part / 4] |= to_byte((s + 32) >> 4 << (part % 4 * 2));
      int q[kBlock];
      const float inverse = inverse_of(d * static_cast<float>(s));
      for (std::size_t i = 0; i < kBlock; ++i) q[i] = iq4_nearest(x[32 * part + i] * inverse);
      pack_nibbles(q, block + 8 + 16 * part);
    }
  });
}

}  // namespace continuo
