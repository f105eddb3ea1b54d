// MXFP4, 17 bytes for 32 values: a power of two e (8 bits), q[32] (4 bits: a float of 1 sign, 2 exponent and 1 fraction
// bits). value = 2^(e - 128) * kMxfp4Values[q], which are the floats doubled. OCP Microscaling Formats (MX) 1.0.
#pragma once

#include <array>
#include <bit>
#include <cmath>

#include "quant/block.h"

namespace continuo {

inline constexpr std::size_t kMXFP4Bytes = 17;
inline constexpr std::array<std::int8_t, 16> kMxfp4Values = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128)
inline float mxfp4_scale(int e) {
  const auto bits = static_cast<std::uint32_t>(e);
  return std::bit_cast<float>(e < 2 ? 0x00200000u << bits : (bits - 1) << 23);
}

inline void mxfp4_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kBlock, kMXFP4Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = mxfp4_scale(byte_at(block));
    for (std::size_t i = 0; i < kBlock; ++i) {
      out[i] = d * static_cast<float>(kMxfp4Values[static_cast<std::size_t>(nibble_at(block + 1, i))]);
    }
  });
}

inline void mxfp4_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kBlock, kMXFP4Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    float largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::fabs(x[i]));
    // The largest value's exponent becomes the largest that q has, which is 2.
    const int e = largest > 0 ? std::max(std::ilogb(largest) - 2 + 127, 0) : 0;
    block[0] = to_byte(e);
    const float d = mxfp4_scale(e);
    int q[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      q[i] = 0;
      float least = std::fabs(x[i]);
      for (int candidate = 1; candidate < 16; ++candidate) {
        const float error = std::fabs(d * static_cast<float>(kMxfp4Values[static_cast<std::size_t>(candidate)]) - x[i]);
        if (error < least) q[i] = candidate, least = error;
      }
    }
    pack_nibbles(q, block + 1);
  });
}

}  // namespace continuo
