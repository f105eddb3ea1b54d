// IQ2_XXS, 66 bytes for 256 values: d (binary16), then for each 32 values four points of 8 (8 bits each) and 32 bits: four
// times seven signs (even_signs), a scale s (4 bits, uppermost). value = d * (0.5 + s) / 4 * level
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ2_XXSBytes = 66;

inline void iq2_xxs_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ2_XXSBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t part = 0; part < 8; ++part) {
      const std::byte* const p = block + 2 + 8 * part;
      const std::uint32_t rest = u32_at(p + 4);
      const float scale = f16_at(block) * (0.5f + static_cast<float>(rest >> 28)) * 0.25f;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::uint32_t signs = even_signs(rest >> (7 * i) & 127);
        const auto point = static_cast<std::size_t>(byte_at(p, i));
        put_point<8, 2>(kIq2XxsLevels, kIq2XxsPoints[point], signs, scale, out + 32 * part + 8 * i);
      }
    }
  });
}

inline void iq2_xxs_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  static const GridSearch search = grid_search(kIq2XxsPoints, 8, 2, kIq2XxsLevels);
  pack_weighted<kSuperBlock, kIQ2_XXSBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    WeighedBlock weighed(x, weights);
    const auto signs = weighed.take_signs(true);
    const GridBlock fit = fit_magnitudes(search, {.group = 32, .top = 15, .unit = 0.125f}, weighed);
    put_f16(block, fit.d);
    for (std::size_t part = 0; part < 8; ++part) {
      std::byte* const p = block + 2 + 8 * part;
      std::uint32_t rest = static_cast<std::uint32_t>(fit.scales[part]) << 28;
      for (std::size_t i = 0; i < 4; ++i) {
        p[i] = to_byte(fit.points[4 * part + i]);
        rest |= (signs[4 * part + i] & 127) << (7 * i);
      }
      put_u32(p + 4, rest);
    }
  });
}

}  // namespace continuo
