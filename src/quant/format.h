// The number formats in which weights are stored: one table, one small file per format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace continuo {

enum class Format : std::uint8_t {
  f32,
  f16,
  bf16,
  // in blocks
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  tq1_0,
  tq2_0,
  iq1_s,
  iq1_m,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  nvfp4,
};
inline constexpr std::size_t kFormatCount = 26;

struct FormatInfo {
  Format format;
  std::string_view name;              // ours: "f32"
  std::string_view safetensors_name;  // "F32"; empty where safetensors has none
  std::uint32_t gguf_type;            // the number of its tensors' type in GGUF files
  std::uint32_t gguf_file_type;       // general.file_type of a file that is mostly in this format
  std::size_t block_values;           // values that are stored together
  std::size_t block_bytes;            // bytes of such a block
  // The exact float32 values of `n` stored values; n is a multiple of block_values.
  void (*to_float)(const std::byte* stored, float* values, std::size_t n);
  // The other way round, rounding; the values are finite.
  void (*from_float)(const float* values, std::byte* stored, std::size_t n);
  // The same, such that the error of value i counts importance[i] times; null where each value is rounded by itself.
  void (*fit)(const float* values, const float* importance, std::byte* stored, std::size_t n);
};

const FormatInfo& format_info(Format format);
std::span<const FormatInfo> formats();
std::optional<Format> format_from_name(std::string_view name);
std::optional<Format> format_from_safetensors(std::string_view name);
std::optional<Format> format_from_gguf(std::uint32_t type);

// Whether every value is stored by itself, not in a block with others.
constexpr bool format_is_plain(Format format) { return format <= Format::bf16; }

// Bytes of `n` values (a multiple of block_values).
inline std::size_t stored_bytes(Format format, std::size_t n) {
  const FormatInfo& info = format_info(format);
  return n / info.block_values * info.block_bytes;
}

}  // namespace continuo
