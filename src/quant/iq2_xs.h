// IQ2_XS, 74 bytes for 256 values: d (binary16), for each 8 values 16 bits: a point (9 bits), seven signs (even_signs);
// scales s[16] (4 bits). value i = d * (0.5 + s[i / 16]) / 4 * level
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ2_XSBytes = 74;

inline void iq2_xs_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ2_XSBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint32_t q = u16_at(block + 2 + 2 * i);
      const int s = byte_at(block + 66, i / 4) >> (i / 2 % 2 * 4) & 15;
      const float scale = f16_at(block) * (0.5f + static_cast<float>(s)) * 0.25f;
      put_point<8, 2>(kIq2XsLevels, kIq2XsPoints[q & 511], even_signs(q >> 9), scale, out + 8 * i);
    }
  });
}

inline void iq2_xs_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  static const GridSearch search = grid_search(kIq2XsPoints, 8, 2, kIq2XsLevels);
  pack_weighted<kSuperBlock, kIQ2_XSBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    WeighedBlock weighed(x, weights);
    const auto signs = weighed.take_signs(true);
    const GridBlock fit = fit_magnitudes(search, {.group = 16, .top = 15, .unit = 0.125f}, weighed);
    put_f16(block, fit.d);
    for (std::size_t i = 0; i < 32; ++i) put_u16(block + 2 + 2 * i, fit.points[i] | (signs[i] & 127) << 9);
    for (std::size_t i = 0; i < 8; ++i) block[66 + i] = to_byte(fit.scales[2 * i] | fit.scales[2 * i + 1] << 4);
  });
}

}  // namespace continuo
