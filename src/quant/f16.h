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
// Bits: of one float, or a vector of them (GCC's), as signed integers; Float: the same as floats.
template <class Float, class Bits>
Bits nearest_f16(Bits bits) {
  const Bits magnitude = bits & 0x7fffffff;
  // Below 2^-14: adding 0.5 leaves multiples of 2^-24 in the lowest bits.
  const Float shifted = std::bit_cast<Float>(magnitude) + 0.5f;
  const Bits small = std::bit_cast<Bits>(shifted) - 0x3f000000;
  const Bits usual = (magnitude - (112 << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  const Bits not_a_number = (magnitude >> 13 & 0x3ff) | 0x7e00;
  const Bits large = magnitude > 0x7f800000 ? not_a_number : Bits{} + 0x7c00;
  const Bits finite = magnitude < 0x38800000 ? small : usual;
  return (magnitude >= 0x47800000 ? large : finite) | (bits >> 16 & 0x8000);  // 2^16 and more
}

inline std::uint16_t f16_bits(float value) {
  return static_cast<std::uint16_t>(nearest_f16<float>(std::bit_cast<std::int32_t>(value)));
}

inline void f16_to_float(const std::byte* stored, float* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, stored + 2 * i, 2);
    values[i] = f16_value(bits);
  }
}

inline void f16_from_float(const float* values, std::byte* stored, std::size_t n) {
  typedef std::int32_t Ints __attribute__((vector_size(16)));
  typedef float Floats __attribute__((vector_size(16)));
  typedef std::uint16_t Shorts __attribute__((vector_size(8)));
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Ints bits;
    std::memcpy(&bits, values + i, sizeof bits);
    const Shorts four = __builtin_convertvector(nearest_f16<Floats>(bits), Shorts);
    std::memcpy(stored + 2 * i, &four, sizeof four);
  }
  for (; i < n; ++i) {
    const std::uint16_t bits = f16_bits(values[i]);
    std::memcpy(stored + 2 * i, &bits, 2);
  }
}

}  // namespace continuo
