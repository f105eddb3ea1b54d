// The number formats in which weights are stored: one table, one small file per format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace continuo {

enum class Format : std::uint8_t { f32, f16, bf16 };
inline constexpr std::size_t kFormatCount = 3;

struct FormatInfo {
  Format format;
  std::string_view name;              // ours: "f32"
  std::string_view safetensors_name;  // "F32"; empty where safetensors has none
  std::size_t block_values;           // values that are stored together
  std::size_t block_bytes;            // bytes of such a block
  // The exact float32 values of `n` stored values; n is a multiple of block_values.
  void (*to_float)(const std::byte* stored, float* values, std::size_t n);
};

const FormatInfo& format_info(Format format);
std::optional<Format> format_from_safetensors(std::string_view name);

// Bytes of `n` values (a multiple of block_values).
inline std::size_t stored_bytes(Format format, std::size_t n) {
  const FormatInfo& info = format_info(format);
  return n / info.block_values * info.block_bytes;
}

}  // namespace continuo
