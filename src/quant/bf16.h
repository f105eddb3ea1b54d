// bfloat16: the upper half of a binary32, little endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace continuo {

inline float bf16_value(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

inline void bf16_to_float(const std::byte* stored, float* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, stored + 2 * i, 2);
    values[i] = bf16_value(bits);
  }
}

}  // namespace continuo
