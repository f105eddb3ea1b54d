// IQ1_S and IQ1_M: points of -1, 0 and 1 that are all moved by an eighth, up or down.
// IQ1_S, 50 bytes for 256 values: d (binary16), lower 8 bits of a point for each 8 values, then for each 32 values 16 bits:
// upper 3 bits of the four points, a scale s (3 bits), whether they move down. value = d * (2 s + 1) * (level + move)
// IQ1_M, 56 bytes: lower 8 bits of the points, for each two of them a byte: upper 3 bits and whether they move down, each;
// 4 x 16 bits: scales s[16] (3 bits), and in the uppermost 4 of each a part of d (binary16).
#pragma once

#include "quant/iq.h"

namespace continuo {

inline constexpr std::size_t kIQ1_SBytes = 50, kIQ1_MBytes = 56;
inline constexpr float kIq1Move = 0.125f;

inline void iq1_put_point(std::size_t point, bool down, float scale, float* out) {
  for (std::size_t i = 0; i < 8; ++i) {
    const auto level = static_cast<float>(kIq1Levels[kIq1Points[point] >> (2 * i) & 3]);
    out[i] = scale * (level + (down ? -kIq1Move : kIq1Move));
  }
}

inline void iq1_s_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ1_SBytes>(stored, values, n, [](const std::byte* block, float* out) {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint32_t rest = u16_at(block + 34 + i / 4 * 2);
      const float scale = f16_at(block) * static_cast<float>(2 * (rest >> 12 & 7) + 1);
      const std::size_t point = static_cast<std::size_t>(byte_at(block + 2, i)) | (rest >> (i % 4 * 3) & 7) << 8;
      iq1_put_point(point, rest >> 15, scale, out + 8 * i);
    }
  });
}

inline float iq1_m_factor(const std::byte* block) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits |= u16_at(block + 48 + 2 * i) >> 12 << (4 * i);
  return f16_value(static_cast<std::uint16_t>(bits));
}

inline void iq1_m_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kIQ1_MBytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = iq1_m_factor(block);
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint32_t s = u16_at(block + 48 + i / 8 * 2) >> (i / 2 % 4 * 3) & 7;
      const int rest = byte_at(block + 32, i / 2) >> (i % 2 * 4) & 15;
      const auto point = static_cast<std::size_t>(byte_at(block, i) | (rest & 7) << 8);
      iq1_put_point(point, rest >> 3, d * static_cast<float>(2 * s + 1), out + 8 * i);
    }
  });
}

struct Iq1Fit {
  GridBlock block;
  std::array<std::size_t, 32> down;  // of each group
};
inline Iq1Fit iq1_fit_block(const float* x, const float* importance, std::size_t group) {
  static const GridSearch up = grid_search(kIq1Points, 8, 2, kIq1Levels, kIq1Move);
  static const GridSearch down = grid_search(kIq1Points, 8, 2, kIq1Levels, -kIq1Move);
  const GridSearch* const searches[] = {&up, &down};
  const WeighedBlock weighed(x, importance);
  Iq1Fit fit{};
  fit.block = fit_grid_block(searches, {.group = group, .top = 7, .unit = 1}, weighed.x.data(), weighed.weights.data(),
                             fit.down);
  return fit;
}

inline void iq1_s_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kIQ1_SBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const Iq1Fit fit = iq1_fit_block(x, weights, 32);
    put_f16(block, fit.block.d);
    for (std::size_t part = 0; part < 8; ++part) {
      std::uint32_t rest =
          static_cast<std::uint32_t>(fit.block.scales[part]) << 12 | static_cast<std::uint32_t>(fit.down[part]) << 15;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::uint32_t point = fit.block.points[4 * part + i];
        block[2 + 4 * part + i] = to_byte(static_cast<int>(point));
        rest |= point >> 8 << (3 * i);
      }
      put_u16(block + 34 + 2 * part, rest);
    }
  });
}

inline void iq1_m_fit(const float* values, const float* importance, std::byte* stored, std::size_t n) {
  pack_weighted<kSuperBlock, kIQ1_MBytes>(values, importance, stored, n, [](auto x, auto weights, auto block) {
    const Iq1Fit fit = iq1_fit_block(x, weights, 16);
    std::fill_n(block, kIQ1_MBytes, std::byte{0});
    for (std::size_t i = 0; i < 32; ++i) {
      const int point = fit.block.points[i];
      block[i] = to_byte(point);
      block[32 + i / 2] |= to_byte((point >> 8 | static_cast<int>(fit.down[i / 2]) << 3) << (i % 2 * 4));
    }
    const std::uint32_t d = f16_bits(fit.block.d);
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint32_t scales = (d >> (4 * i) & 15) << 12;
      for (std::size_t j = 0; j < 4; ++j) scales |= static_cast<std::uint32_t>(fit.block.scales[4 * i + j]) << (3 * j);
      put_u16(block + 48 + 2 * i, scales);
    }
  });
}

}  // namespace continuo
