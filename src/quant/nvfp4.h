// NVFP4, 36 bytes for 64 values: a scale for each 16 (8 bits: a float of 4 exponent and 3 fraction bits without a sign),
// q[64] (4 bits: of each 16 values, value i in the lower half of byte i, value i + 8 in its upper half).
// value = scale / 2 * kMxfp4Values[q], which are the floats doubled.
#pragma once

#include <cmath>

#include "quant/fit.h"
#include "quant/mxfp4.h"

namespace continuo {

inline constexpr std::size_t kNVFP4Bytes = 36, kNvfp4Values = 64;
inline constexpr int kLargestNvfp4Scale = 0x7e;

// Half of the scale with these bits; 0 and "not a number" count as 0.
inline float nvfp4_scale(int bits) {
  if (bits == 0 || bits == 0x7f) return 0;
  const int exponent = bits >> 3 & 15;
  const auto fraction = static_cast<float>(bits & 7);
  return 0.5f * (exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(1 + fraction / 8, exponent - 7));
}

inline void nvfp4_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kNvfp4Values, kNVFP4Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t part = 0; part < 4; ++part) {
      const float d = nvfp4_scale(byte_at(block, part));
      for (std::size_t i = 0; i < 16; ++i) {
        const int q = byte_at(block + 4, 8 * part + i % 8) >> (i < 8 ? 0 : 4) & 15;
        out[16 * part + i] = d * static_cast<float>(kMxfp4Values[static_cast<std::size_t>(q)]);
      }
    }
  });
}

// The q whose value is nearest to x.
inline int nvfp4_nearest(float x) {
  constexpr float kMiddles[] = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};
  int q = 0;
  for (const float middle : kMiddles) q += std::fabs(x) > middle;
  return x < 0 ? q + 8 : q;
}

inline void nvfp4_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kNvfp4Values, kNVFP4Bytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    for (std::size_t part = 0; part < 4; ++part) {
      const std::span<const float> own(x + 16 * part, 16);
      const float scale = std::fabs(fit_scale(own, 12, part_of(weights, 16 * part), [](float v) {
        return static_cast<float>(kMxfp4Values[static_cast<std::size_t>(nvfp4_nearest(v))]);
      }));
      int bits = 0;  // of the scale nearest to it
      for (int candidate = 1; candidate <= kLargestNvfp4Scale; ++candidate) {
        if (std::fabs(nvfp4_scale(candidate) - scale) < std::fabs(nvfp4_scale(bits) - scale)) bits = candidate;
      }
      block[part] = to_byte(bits);
      const float inverse = inverse_of(nvfp4_scale(bits));
      for (std::size_t i = 0; i < 8; ++i) {
        const int low = nvfp4_nearest(own[i] * inverse), high = nvfp4_nearest(own[i + 8] * inverse);
        block[4 + 8 * part + i] = to_byte(low | high << 4);
      }
    }
  });
}

}  // namespace continuo
