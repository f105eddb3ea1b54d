// Eight scales and eight offsets of 6 bits each in 12 bytes, as Q4_K and Q5_K store them: bytes 0 to 3 hold scales 0 to
// 3 and bytes 4 to 7 offsets 0 to 3 in their lower 6 bits; the upper 2 bits of these are the upper 2 bits of scales and
// offsets 4 to 7, whose lower 4 bits are the lower and upper halves of bytes 8 to 11.
#pragma once

#include "quant/block.h"

namespace continuo {

inline constexpr std::size_t kKScalesBytes = 12;

inline int k_scale(const std::byte* p, std::size_t i) {
  return i < 4 ? byte_at(p, i) & 63 : (byte_at(p, i + 4) & 15) | byte_at(p, i - 4) >> 6 << 4;
}
inline int k_offset(const std::byte* p, std::size_t i) {
  return i < 4 ? byte_at(p, i + 4) & 63 : byte_at(p, i + 4) >> 4 | byte_at(p, i) >> 6 << 4;
}
inline void pack_k_scales(const int* scales, const int* offsets, std::byte* p) {
  for (std::size_t i = 0; i < 4; ++i) {
    p[i] = to_byte(scales[i] | scales[i + 4] >> 4 << 6);
    p[i + 4] = to_byte(offsets[i] | offsets[i + 4] >> 4 << 6);
    p[i + 8] = to_byte((scales[i + 4] & 15) | (offsets[i + 4] & 15) << 4);
  }
}

}  // namespace continuo
