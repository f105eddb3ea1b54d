// IQ2_S, 82 bytes for 256 values: d (binary16), lower 8 bits of a point for each 8 values, their signs (a byte each), upper
// 2 bits of the points; scales s[16] (4 bits). value i = d * (0.5 + s[i / 16]) / 4 * level
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ2_SBytes = 82;

inline void iq2_s_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ2_SBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t i = 0; i < 32; ++i) {
      const int high = byte_at(block + 66, i / 4) >> (i % 4 * 2) & 3;
      const auto point = static_cast<std::size_t>(byte_at(block + 2, i) | high << 8);
      const int s = byte_at(block + 74, i / 4) >> (i / 2 % 2 * 4) & 15;
      const float scale = f16_at(block) * (0.5f + static_cast<float>(s)) * 0.25f;
      const auto signs = static_cast<std::uint32_t>(byte_at(block + 34, i));
      put_point<8, 2>(kIq2SLevels, kIq2SPoints[point], signs, scale, out + 8 * i);
    }
  });
}

inline void iq2_s_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  static const GridSearch search = grid_search(kIq2SPoints, 8, 2, kIq2SLevels);
  pack_weighted<kSuperBlock, kIQ2_SBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    WeighedBlock weighed(x, weights);
    const auto signs = weighed.take_signs(false);
    const GridBlock fit = fit_magnitudes(search, {.group = 16, .top = 15, .unit = 0.125f}, weighed);
    std::fill_n(block, kIQ2_SBytes, std::byte{0});
    put_f16(block, fit.d);
    for (std::size_t i = 0; i < 32; ++i) {
      block[2 + i] = to_byte(fit.points[i]);
      block[34 + i] = to_byte(static_cast<int>(signs[i]));
      block[66 + i / 4] |= to_byte(fit.points[i] >> 8 << (i % 4 * 2));
    }
    for (std::size_t i = 0; i < 8; ++i) block[74 + i] = to_byte(fit.scales[2 * i] | fit.scales[2 * i + 1] << 4);
  });
}

}  // namespace continuo
