// Formats that store values in blocks, each with numbers of its own: what the headers of these formats share. Each of
// them begins with its block's layout, in bytes; all numbers are little endian. Every product of a scale and a
// quantized value has at most 24 significant bits, so it is exact in float32, and a value is rounded once at the most.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"

namespace continuo {

inline constexpr std::size_t kBlock = 32;        // values of a plain block
inline constexpr std::size_t kSuperBlock = 256;  // values of a block of the K formats

inline int byte_at(const std::byte* p, std::size_t i = 0) { return std::to_integer<int>(p[i]); }
inline int signed_byte_at(const std::byte* p, std::size_t i) { return static_cast<std::int8_t>(byte_at(p, i)); }
inline std::byte to_byte(int value) { return static_cast<std::byte>(value & 255); }

inline float f16_at(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, 2);
  return f16_value(bits);
}
// Stores `value` rounded, and returns what was stored.
inline float put_f16(std::byte* p, float value) {
  const std::uint16_t bits = f16_bits(value);
  std::memcpy(p, &bits, 2);
  return f16_value(bits);
}

// 0 where the scale is so small that its inverse would be infinite.
inline float inverse_of(float scale) {
  const float inverse = 1 / scale;
  return std::isfinite(inverse) ? inverse : 0;
}

// unpack(block, values) for each block of the n values that are stored there.
template <std::size_t kValues, std::size_t kBytes, class Unpack>
void unpack_blocks(const std::byte* stored, float* values, std::size_t n, Unpack&& unpack) {
  for (std::size_t i = 0; i < n; i += kValues) unpack(stored + i / kValues * kBytes, values + i);
}

// pack(values, block), the other way round.
template <std::size_t kValues, std::size_t kBytes, class Pack>
void pack_blocks(const float* values, std::byte* stored, std::size_t n, Pack&& pack) {
  for (std::size_t i = 0; i < n; i += kValues) pack(values + i, stored + i / kValues * kBytes);
}

// pack(values, importance, block); the importance of each value, or null for all.
template <std::size_t kValues, std::size_t kBytes, class Pack>
void pack_weighted(const float* values, const float* importance, std::byte* stored, std::size_t n, Pack&& pack) {
  for (std::size_t i = 0; i < n; i += kValues)
    pack(values + i, importance ? importance + i : nullptr, stored + i / kValues * kBytes);
}
// The importance of values from `first` on.
inline const float* part_of(const float* importance, std::size_t first) {
  return importance ? importance + first : nullptr;
}

// Sixteen bytes that hold 32 numbers of 4 bits: the lower halves are the first 16, the upper ones the last.
inline int nibble_at(const std::byte* p, std::size_t i) { return byte_at(p, i % 16) >> (i < 16 ? 0 : 4) & 15; }
inline void pack_nibbles(const int* q, std::byte* p) {
  for (std::size_t i = 0; i < 16; ++i) p[i] = to_byte((q[i] & 15) | (q[i + 16] & 15) << 4);
}
// Four bytes that hold one bit for each of 32 numbers.
inline int bit_at(const std::byte* p, std::size_t i) { return byte_at(p, i / 8) >> (i % 8) & 1; }
inline void pack_bits(const int* q, int bit, std::byte* p) {
  for (std::size_t i = 0; i < 4; ++i) {
    int byte = 0;
    for (int j = 0; j < 8; ++j) byte |= (q[8 * i + static_cast<std::size_t>(j)] >> bit & 1) << j;
    p[i] = to_byte(byte);
  }
}

}  // namespace continuo
