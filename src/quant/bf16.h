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

// The nearest bfloat16; of two equally near ones the even one.
inline std::uint16_t bf16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(bits >> 16 | 64u);  // NaN: quiet
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline void bf16_from_float(const float* values, std::byte* stored, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t bits = bf16_bits(values[i]);
    std::memcpy(stored + 2 * i, &bits, 2);
  }
}

}  // namespace continuo
