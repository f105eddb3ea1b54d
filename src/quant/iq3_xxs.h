// IQ3_XXS, 98 bytes for 256 values: d (binary16), a point for each 4 values (8 bits), then for each 32 values 32 bits: four
// times seven signs of 8 values (even_signs), a scale s (4 bits, uppermost). value = d * (0.5 + s) / 2 * level
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ3_XXSBytes = 98;

inline void iq3_xxs_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ3_XXSBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint32_t rest = u32_at(block + 66 + i / 4 * 4);
      const float scale = f16_at(block) * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
      const std::uint32_t signs = even_signs(rest >> (i % 4 * 7) & 127);
      for (std::size_t half = 0; half < 2; ++half) {
        const auto point = static_cast<std::size_t>(byte_at(block + 2, 2 * i + half));
        put_point<4, 3>(kIq3XxsLevels, kIq3XxsPoints[point], signs >> (4 * half), scale, out + 8 * i + 4 * half);
      }
    }
  });
}

inline void iq3_xxs_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  static const GridSearch search = grid_search(kIq3XxsPoints, 4, 3, kIq3XxsLevels);
  pack_weighted<kSuperBlock, kIQ3_XXSBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    WeighedBlock weighed(x, weights);
    const auto signs = weighed.take_signs(true);
    const GridBlock fit = fit_magnitudes(search, {.group = 32, .top = 15, .unit = 0.25f}, weighed);
    put_f16(block, fit.d);
    for (std::size_t i = 0; i < 64; ++i) block[2 + i] = to_byte(fit.points[i]);
    for (std::size_t part = 0; part < 8; ++part) {
      std::uint32_t rest = static_cast<std::uint32_t>(fit.scales[part]) << 28;
      for (std::size_t i = 0; i < 4; ++i) rest |= (signs[4 * part + i] & 127) << (7 * i);
      put_u32(block + 66 + 4 * part, rest);
    }
  });
}

}  // namespace continuo
