// IEEE 754 binary16, little endian. Every value, subnormals included, has an exact binary32.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace continuo {

inline float f16_value(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = (bits >> 10) & 31u;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t wide_exponent = exponent == 31 ? 255u : exponent + (127 - 15);
  // A signalling NaN becomes quiet, as the hardware's conversion makes it.
  const std::uint32_t quiet = exponent == 31 && fraction != 0 ? 0x400000u : 0u;
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13 | quiet);
}

inline void f16_to_float(const std::byte* stored, float* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, stored + 2 * i, 2);
    values[i] = f16_value(bits);
  }
}

}  // namespace continuo
