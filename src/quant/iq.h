// What the IQ formats on lattices share: groups of 8 magnitudes (or two points of 4) with their signs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "quant/fit.h"
#include "quant/grid_search.h"
#include "quant/iq_grids.h"

namespace continuo {

inline std::uint32_t u32_at(const std::byte* p) {
  std::uint32_t value;
  std::memcpy(&value, p, 4);
  return value;
}
inline std::uint32_t u16_at(const std::byte* p) {
  std::uint16_t value;
  std::memcpy(&value, p, 2);
  return value;
}
inline void put_u32(std::byte* p, std::uint32_t value) { std::memcpy(p, &value, 4); }
inline void put_u16(std::byte* p, std::uint32_t value) {
  const auto low = static_cast<std::uint16_t>(value);
  std::memcpy(p, &low, 2);
}

// Eight signs of which seven are stored: the number of minus signs is even.
constexpr std::uint32_t even_signs(std::uint32_t seven) {
  std::uint32_t parity = 0;
  for (int i = 0; i < 7; ++i) parity ^= seven >> i & 1;
  return seven | parity << 7;
}

// out[i] = scale * level of value i of the point, with the sign of bit i.
template <std::size_t kPer, int kBits, std::size_t kLevels>
void put_point(const std::array<std::int8_t, kLevels>& levels, std::uint32_t point, std::uint32_t signs, float scale,
               float* out) {
  for (std::size_t i = 0; i < kPer; ++i) {
    const auto level = static_cast<float>(levels[point >> (kBits * static_cast<int>(i)) & ((1u << kBits) - 1)]);
    out[i] = scale * level * (signs >> i & 1 ? -1.0f : 1.0f);
  }
}

template <std::size_t kLevels, std::size_t kPoints>
GridSearch grid_search(const std::array<std::uint16_t, kPoints>& points, std::size_t per, int bits,
                       const std::array<std::int8_t, kLevels>& levels, float offset = 0) {
  std::vector<float> values;
  for (const std::int8_t level : levels) values.push_back(static_cast<float>(level) + offset);
  return GridSearch(points, per, bits, std::move(values));
}

// What goes into the fit of a block of 256 values.
struct WeighedBlock {
  std::array<float, kSuperBlock> x;
  std::array<float, kSuperBlock> weights;

  WeighedBlock(const float* values, const float* importance) {
    const float rms = root_mean_square({values, kSuperBlock});
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      x[i] = values[i];
      weights[i] = fit_weight(values[i], rms) * (importance ? importance[i] : 1);
    }
  }
  // Leaves magnitudes and returns the signs, 8 values a byte. Where their number must be even, the value whose sign
  // costs least becomes one that is nearest to 0 from the other side.
  std::array<std::uint32_t, 32> take_signs(bool even) {
    std::array<std::uint32_t, 32> signs{};
    for (std::size_t g = 0; g < 32; ++g) {
      float* const group = x.data() + 8 * g;
      std::size_t cheapest = 0;
      float least = -1;
      bool odd = false;
      for (std::size_t i = 0; i < 8; ++i) {
        const bool negative = group[i] < 0;
        odd = odd != negative;
        signs[g] |= static_cast<std::uint32_t>(negative) << i;
        group[i] = std::fabs(group[i]);
        const float cost = weights[8 * g + i] * group[i] * group[i];
        if (least < 0 || cost < least) least = cost, cheapest = i;
      }
      if (!even || !odd) continue;
      signs[g] ^= 1u << cheapest;
      group[cheapest] = -group[cheapest];
    }
    return signs;
  }
};

// A block fitted by one lattice of magnitudes.
inline GridBlock fit_magnitudes(const GridSearch& search, const GridShape& shape, const WeighedBlock& block) {
  const GridSearch* const searches[] = {&search};
  std::array<std::size_t, 32> chosen;
  return fit_grid_block(searches, shape, block.x.data(), block.weights.data(), chosen);
}

}  // namespace continuo
