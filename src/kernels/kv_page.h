// Where keys and values stand in a page, in each format in which they may be kept.
//
// A page holds kPageKeys consecutive positions of all heads, one head's part after the other. A part: the keys in
// blocks of kKeyBlock, key index innermost, so that a vector takes the same element of several keys; then the values in
// rows of round_up(head_dim, kValuePad).
//
//   f32, f16   key block: [head_dim][kKeyBlock]; values: [kPageKeys][padded head_dim]
//   q8_0       32 elements of a key or value share a scale, counted from its first; the last may be fewer.
//              key block: for each 32 elements binary16 scales [kKeyBlock], then int8 [elements][kKeyBlock];
//              values: binary16 scales [head_dim / 32, rounded up][kPageKeys], then int8 [kPageKeys][padded head_dim]
//
// What was rounded has exact float32 values (quant/), with which attention computes as with any others.
#pragma once

#include <cstddef>
#include <span>

#include "quant/format.h"

namespace continuo {

// Keys stand in blocks of this many.
inline constexpr std::size_t kKeyBlock = 16;
// Rows of values are padded to a multiple of this many.
inline constexpr std::size_t kValuePad = 16;
inline constexpr std::size_t kPageKeys = 64;
// Elements that share a scale, and its bytes.
inline constexpr std::size_t kScaleBlock = 32, kScaleBytes = 2;

constexpr std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// The formats of keys and values.
std::span<const Format> kv_types();

// One head's part of a page.
struct KvLayout {
  Format type;  // of kv_types()
  std::size_t head_dim;

  constexpr std::size_t padded_dim() const { return round_up(head_dim, kValuePad); }
  constexpr std::size_t element_bytes() const { return type == Format::f32 ? 4 : type == Format::f16 ? 2 : 1; }
  constexpr std::size_t scale_blocks() const {
    return type == Format::q8_0 ? round_up(head_dim, kScaleBlock) / kScaleBlock : 0;
  }
  // Of a key or a value by itself.
  constexpr std::size_t vector_bytes() const { return head_dim * element_bytes() + scale_blocks() * kScaleBytes; }
  constexpr std::size_t key_block_bytes() const { return vector_bytes() * kKeyBlock; }
  // From the part's beginning: the values' scales, and their rows.
  constexpr std::size_t value_scales_at() const { return kPageKeys / kKeyBlock * key_block_bytes(); }
  constexpr std::size_t value_rows_at() const { return value_scales_at() + scale_blocks() * kPageKeys * kScaleBytes; }
  constexpr std::size_t value_row_bytes() const { return padded_dim() * element_bytes(); }
  constexpr std::size_t bytes() const { return value_rows_at() + kPageKeys * value_row_bytes(); }

  // Rounds a key and a value, head_dim floats each, into position `at` of a part. If any is too large for the format,
  // or no number, all become no numbers, so that nobody takes what attention makes of them for an answer.
  void store(std::byte* part, std::size_t at, const float* key, const float* value) const;
  // Copies the first n positions from one part to another.
  void copy(const std::byte* from, std::byte* to, std::size_t n) const;
  // Element i of the key or value at position `at`.
  float key(const std::byte* part, std::size_t at, std::size_t i) const;
  float value(const std::byte* part, std::size_t at, std::size_t i) const;
};

}  // namespace continuo
