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

// The nearest binary16; of two equally near ones the even one. What is too large becomes an infinity.
inline std::uint16_t f16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 2^16 and more
  if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 leaves multiples of 2^-24 in the lowest bits
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

inline void f16_to_float(const std::byte* stored, float* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, stored + 2 * i, 2);
    values[i] = f16_value(bits);
  }
}

// f16_bits, four at a time.
inline void f16_bits_of_four(const float* values, std::byte* stored) {
  typedef std::int32_t Ints __attribute__((vector_size(16)));
  typedef float Floats __attribute__((vector_size(16)));
  typedef std::uint16_t Shorts __attribute__((vector_size(8)));
  Ints bits;
  std::memcpy(&bits, values, sizeof bits);
  const Ints magnitude = bits & 0x7fffffff;
  const auto shifted = std::bit_cast<Floats>(magnitude) + 0.5f;
  const Ints small = std::bit_cast<Ints>(shifted) - 0x3f000000;
  const Ints usual = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112 << 23)) >> 13;
  const Ints none = 0x7e00 | (magnitude >> 13 & 0x3ff);
  const Ints large = magnitude > 0x7f800000 ? none : Ints{} + 0x7c00;
  const Ints fits = magnitude < 0x38800000 ? small : usual;
  const Ints all = (magnitude >= 0x47800000 ? large : fits) | (bits >> 16 & 0x8000);
  const auto narrow = __builtin_convertvector(all, Shorts);
  std::memcpy(stored, &narrow, sizeof narrow);
}

inline void f16_from_float(const float* values, std::byte* stored, std::size_t n) {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4)
    f16_bits_of_four(values + i, stored + 2 * i);
  for (; i < n; ++i) {
    const std::uint16_t bits = f16_bits(values[i]);
    std::memcpy(stored + 2 * i, &bits, 2);
  }
}

}  // namespace continuo
