#include "kernels/kv_page.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "quant/f16.h"
#include "quant/q8_0.h"

namespace continuo {

namespace {

static_assert(kScaleBlock == kBlock && kQ8_0Bytes == kScaleBytes + kScaleBlock);

// Bytes of a key block that stand before the scales of elements [32 b, 32 b + 32).
constexpr std::size_t scaled_keys_at(std::size_t b) { return b * (kScaleBytes + kScaleBlock) * kKeyBlock; }

constexpr float kLargestF16 = 65504;

// Whether all are numbers of that magnitude at the most.
bool within(const float* x, std::size_t n, float largest) {
  std::uint32_t most = 0;  // magnitudes in the order of their bits; those that are no numbers come last
  for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
  return most <= std::bit_cast<std::uint32_t>(largest);
}

float scaled(const std::byte* scale, const std::byte* element) {
  std::uint16_t bits;
  std::memcpy(&bits, scale, kScaleBytes);
  return f16_value(bits) * static_cast<float>(static_cast<std::int8_t>(*element));
}

float plain(Format type, const std::byte* element) {
  float value;
  format_info(type).to_float(element, &value, 1);
  return value;
}

// Element: what is stored for a float.
template <class Element>
void store_plain(const KvLayout& layout, std::byte* part, std::size_t at, const float* key, const float* value) {
  const FormatInfo& info = format_info(layout.type);
  constexpr std::size_t kTogether = 32;
  std::byte elements[kTogether * sizeof(Element)];
  std::byte* const column = part + at / kKeyBlock * layout.key_block_bytes() + at % kKeyBlock * sizeof(Element);
  for (std::size_t first = 0; first < layout.head_dim; first += kTogether) {
    const std::size_t n = std::min(kTogether, layout.head_dim - first);
    info.from_float(key + first, elements, n);
    for (std::size_t i = 0; i < n; ++i) {
      std::memcpy(column + (first + i) * kKeyBlock * sizeof(Element), elements + i * sizeof(Element), sizeof(Element));
    }
  }
  info.from_float(value, part + layout.value_rows_at() + at * layout.value_row_bytes(), layout.head_dim);
}

// Elements [first, first + 32) of x, which all fit, as a block; zeros behind the last.
std::array<std::byte, kQ8_0Bytes> rounded_block(const float* x, std::size_t first, std::size_t head_dim) {
  float values[kScaleBlock] = {};
  std::copy_n(x + first, std::min(kScaleBlock, head_dim - first), values);
  std::array<std::byte, kQ8_0Bytes> block;
  q8_0_from_float(values, block.data(), kScaleBlock);
  return block;
}

void store_scaled(const KvLayout& layout, std::byte* part, std::size_t at, const float* key, const float* value) {
  constexpr float kLargest = 127 * kLargestF16;
  const bool fits = within(key, layout.head_dim, kLargest) && within(value, layout.head_dim, kLargest);
  std::array<std::byte, kQ8_0Bytes> k{}, v{};
  k[1] = v[1] = std::byte{0x7e};  // a scale that is no number
  for (std::size_t b = 0; b < layout.scale_blocks(); ++b) {
    const std::size_t first = b * kScaleBlock, n = std::min(kScaleBlock, layout.head_dim - first);
    if (fits) {
      k = rounded_block(key, first, layout.head_dim);
      v = rounded_block(value, first, layout.head_dim);
    }
    std::byte* const keys = part + at / kKeyBlock * layout.key_block_bytes() + scaled_keys_at(b);
    std::memcpy(keys + at % kKeyBlock * kScaleBytes, k.data(), kScaleBytes);
    for (std::size_t i = 0; i < n; ++i) {
      keys[kKeyBlock * kScaleBytes + i * kKeyBlock + at % kKeyBlock] = k[kScaleBytes + i];
    }
    std::memcpy(part + layout.value_scales_at() + (b * kPageKeys + at) * kScaleBytes, v.data(), kScaleBytes);
    std::memcpy(part + layout.value_rows_at() + at * layout.value_row_bytes() + first, v.data() + kScaleBytes, n);
  }
}

}  // namespace

std::span<const Format> kv_types() {
  static constexpr Format kTypes[] = {Format::f32, Format::f16, Format::q8_0};
  return kTypes;
}

void KvLayout::store(std::byte* part, std::size_t at, const float* key, const float* value) const {
  if (type == Format::f32) {
    store_plain<float>(*this, part, at, key, value);
  } else if (type == Format::f16) {
    if (within(key, head_dim, kLargestF16) && within(value, head_dim, kLargestF16)) {
      store_plain<std::uint16_t>(*this, part, at, key, value);
    } else {
      const std::vector<float> none(head_dim, std::numeric_limits<float>::quiet_NaN());
      store_plain<std::uint16_t>(*this, part, at, none.data(), none.data());
    }
  } else {
    store_scaled(*this, part, at, key, value);
  }
}

void KvLayout::copy(const std::byte* from, std::byte* to, std::size_t n) const {
  std::memcpy(to, from, round_up(n, kKeyBlock) / kKeyBlock * key_block_bytes());
  for (std::size_t b = 0; b < scale_blocks(); ++b) {
    const std::size_t scales = value_scales_at() + b * kPageKeys * kScaleBytes;
    std::memcpy(to + scales, from + scales, n * kScaleBytes);
  }
  std::memcpy(to + value_rows_at(), from + value_rows_at(), n * value_row_bytes());
}

float KvLayout::key(const std::byte* part, std::size_t at, std::size_t i) const {
  const std::byte* const block = part + at / kKeyBlock * key_block_bytes();
  if (scale_blocks() == 0) return plain(type, block + (i * kKeyBlock + at % kKeyBlock) * element_bytes());
  const std::byte* const scales = block + scaled_keys_at(i / kScaleBlock);
  return scaled(scales + at % kKeyBlock * kScaleBytes,
                scales + kKeyBlock * kScaleBytes + i % kScaleBlock * kKeyBlock + at % kKeyBlock);
}

float KvLayout::value(const std::byte* part, std::size_t at, std::size_t i) const {
  const std::byte* const element = part + value_rows_at() + at * value_row_bytes() + i * element_bytes();
  if (scale_blocks() == 0) return plain(type, element);
  return scaled(part + value_scales_at() + (i / kScaleBlock * kPageKeys + at) * kScaleBytes, element);
}

}  // namespace continuo
