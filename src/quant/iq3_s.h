// IQ3_S, 110 bytes for 256 values: d (binary16), lower 8 bits of a point for each 4 values, upper bits of the points (8
// bytes), signs (32 bytes), scales s[8] (4 bits). value i = d * (1 + 2 s[i / 32]) * level
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ3_SBytes = 110;

inline void iq3_s_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ3_SBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t i = 0; i < 64; ++i) {
      const int high = byte_at(block + 66, i / 8) >> (i % 8) & 1;
      const auto point = static_cast<std::size_t>(byte_at(block + 2, i) | high << 8);
      const int s = byte_at(block + 106, i / 16) >> (i / 8 % 2 * 4) & 15;
      const float scale = f16_at(block) * static_cast<float>(1 + 2 * s);
      const auto signs = static_cast<std::uint32_t>(byte_at(block + 74, i / 2) >> (i % 2 * 4));
      put_point<4, 3>(kIq3SLevels, kIq3SPoints[point], signs, scale, out + 4 * i);
    }
  });
}

inline void iq3_s_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  static const GridSearch search = grid_search(kIq3SPoints, 4, 3, kIq3SLevels);
  pack_weighted<kSuperBlock, kIQ3_SBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    WeighedBlock weighed(x, weights);
    const auto signs = weighed.take_signs(false);
    const GridBlock fit = fit_magnitudes(search, {.group = 32, .top = 15, .unit = 1}, weighed);
    std::fill_n(block, kIQ3_SBytes, std::byte{0});
    put_f16(block, fit.d);
    for (std::size_t i = 0; i < 64; ++i) {
      block[2 + i] = to_byte(fit.points[i]);
      block[66 + i / 8] |= to_byte(fit.points[i] >> 8 << (i % 8));
    }
    for (std::size_t i = 0; i < 32; ++i) block[74 + i] = to_byte(static_cast<int>(signs[i]));
    for (std::size_t i = 0; i < 4; ++i) block[106 + i] = to_byte(fit.scales[2 * i] | fit.scales[2 * i + 1] << 4);
  });
}

}  // namespace continuo
