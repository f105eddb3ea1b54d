#include "quant/format.h"

#include <array>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"

namespace continuo {

namespace {

constexpr std::array<FormatInfo, kFormatCount> kFormats = {{
    {Format::f32, "f32", "F32", 1, 4, f32_to_float},
    {Format::f16, "f16", "F16", 1, 2, f16_to_float},
    {Format::bf16, "bf16", "BF16", 1, 2, bf16_to_float},
}};

}  // namespace

const FormatInfo& format_info(Format format) { return kFormats[static_cast<std::size_t>(format)]; }

std::optional<Format> format_from_safetensors(std::string_view name) {
  for (const FormatInfo& info : kFormats) {
    if (!info.safetensors_name.empty() && info.safetensors_name == name) return info.format;
  }
  return std::nullopt;
}

}  // namespace continuo
