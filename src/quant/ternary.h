// TQ1_0 and TQ2_0: -1, 0 or 1 times one factor, for weights that were trained so (BitNet).
// TQ1_0, 54 bytes for 256 values: five values a byte, as the fraction q / 243 of 256, q = 81 a + 27 b + ... of digits 0 to
// 2: of the first 160 values, value i is digit i / 32 of byte i % 32; of the next 80, digit i / 16 of byte 32 + i % 16; four
// a byte in the last 4 bytes; d (binary16).
// TQ2_0, 66 bytes: q[256] (2 bits: of each 128 values, value 32 p + i in bits 2 p of byte i), d (binary16).
// value = d * (q - 1)
#pragma once

#include <algorithm>
#include <cmath>

#include "quant/block.h"

namespace continuo {

inline constexpr std::size_t kTQ1_0Bytes = 54, kTQ2_0Bytes = 66;

// Where a value of TQ1_0 stands: its byte, and its digit's place.
struct TernaryPlace {
  std::size_t byte, digit;
};
constexpr TernaryPlace tq1_0_place(std::size_t i) {
  if (i < 160) return {i % 32, i / 32};
  if (i < 240) return {32 + (i - 160) % 16, (i - 160) / 16};
  return {48 + (i - 240) % 4, (i - 240) / 4};
}
inline constexpr int kPowersOf3[] = {1, 3, 9, 27, 81};

inline void tq1_0_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kTQ1_0Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block + 52);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const TernaryPlace place = tq1_0_place(i);
      const int q = (byte_at(block, place.byte) * kPowersOf3[place.digit] & 255) * 3 >> 8;
      out[i] = d * static_cast<float>(q - 1);
    }
  });
}

// The largest magnitude, and each value's digit.
inline float ternary_digits(const float* x, int* digits) {
  float largest = 0;
  for (std::size_t i = 0; i < kSuperBlock; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float inverse = largest == 0 ? 0 : inverse_of(largest);
  for (std::size_t i = 0; i < kSuperBlock; ++i) digits[i] = static_cast<int>(std::round(x[i] * inverse)) + 1;
  return largest;
}

inline void tq1_0_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kSuperBlock, kTQ1_0Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    int digits[kSuperBlock], sums[52] = {};
    put_f16(block + 52, ternary_digits(x, digits));
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const TernaryPlace place = tq1_0_place(i);
      sums[place.byte] += digits[i] * kPowersOf3[4 - place.digit];
    }
    for (std::size_t i = 0; i < 52; ++i) block[i] = to_byte((sums[i] * 256 + 242) / 243);
  });
}

inline void tq2_0_to_float(const std::byte* stored, float* values, std::size_t n) {
  unpack_blocks<kSuperBlock, kTQ2_0Bytes>(stored, values, n, [](const std::byte* block, float* out) {
    const float d = f16_at(block + 64);
    for (std::size_t i = 0; i < kSuperBlock; ++i) {
      const int q = byte_at(block, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
      out[i] = d * static_cast<float>(q - 1);
    }
  });
}

inline void tq2_0_from_float(const float* values, std::byte* stored, std::size_t n) {
  pack_blocks<kSuperBlock, kTQ2_0Bytes>(values, stored, n, [](const float* x, std::byte* block) {
    int digits[kSuperBlock];
    put_f16(block + 64, ternary_digits(x, digits));
    std::fill_n(block, 64, std::byte{0});
    for (std::size_t i = 0; i < kSuperBlock; ++i)
      block[i / 128 * 32 + i % 32] |= to_byte(digits[i] << (i % 128 / 32 * 2));
  });
}

}  // namespace continuo
