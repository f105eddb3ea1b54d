#include "quant/format.h"

#include <array>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace continuo {

namespace {

constexpr std::array<FormatInfo, kFormatCount> kFormats = {{
    {Format::f32, "f32", "F32", 0, 0, 1, 4, f32_to_float, f32_from_float},
    {Format::f16, "f16", "F16", 1, 1, 1, 2, f16_to_float, f16_from_float},
    {Format::bf16, "bf16", "BF16", 30, 32, 1, 2, bf16_to_float, bf16_from_float},
    {Format::q8_0, "q8_0", "", 8, 7, kBlock, kQ8_0Bytes, q8_0_to_float, q8_0_from_float},
    {Format::q4_0, "q4_0", "", 2, 2, kBlock, kQ4_0Bytes, q4_0_to_float, q4_0_from_float},
    {Format::q4_1, "q4_1", "", 3, 3, kBlock, kQ4_1Bytes, q4_1_to_float, q4_1_from_float},
    {Format::q5_0, "q5_0", "", 6, 8, kBlock, kQ5_0Bytes, q5_0_to_float, q5_0_from_float},
    {Format::q5_1, "q5_1", "", 7, 9, kBlock, kQ5_1Bytes, q5_1_to_float, q5_1_from_float},
    {Format::q2_k, "q2_k", "", 10, 10, kSuperBlock, kQ2_KBytes, q2_k_to_float, q2_k_from_float},
    {Format::q3_k, "q3_k", "", 11, 11, kSuperBlock, kQ3_KBytes, q3_k_to_float, q3_k_from_float},
    {Format::q4_k, "q4_k", "", 12, 14, kSuperBlock, kQ4_KBytes, q4_k_to_float, q4_k_from_float},
    {Format::q5_k, "q5_k", "", 13, 16, kSuperBlock, kQ5_KBytes, q5_k_to_float, q5_k_from_float},
    {Format::q6_k, "q6_k", "", 14, 18, kSuperBlock, kQ6_KBytes, q6_k_to_float, q6_k_from_float},
    {Format::iq4_nl, "iq4_nl", "", 20, 25, kBlock, kIQ4_NLBytes, iq4_nl_to_float, iq4_nl_from_float},
    {Format::iq4_xs, "iq4_xs", "", 23, 30, kSuperBlock, kIQ4_XSBytes, iq4_xs_to_float, iq4_xs_from_float},
    {Format::mxfp4, "mxfp4", "", 39, 38, kBlock, kMXFP4Bytes, mxfp4_to_float, mxfp4_from_float},
}};

template <class Same>
std::optional<Format> find(Same&& same) {
  for (const FormatInfo& info : kFormats) {
    if (same(info)) return info.format;
  }
  return std::nullopt;
}

}  // namespace

const FormatInfo& format_info(Format format) { return kFormats[static_cast<std::size_t>(format)]; }

std::span<const FormatInfo> formats() { return kFormats; }

std::optional<Format> format_from_name(std::string_view name) {
  return find([&](const FormatInfo& info) { return info.name == name; });
}

std::optional<Format> format_from_safetensors(std::string_view name) {
  return find([&](const FormatInfo& info) { return !name.empty() && info.safetensors_name == name; });
}

std::optional<Format> format_from_gguf(std::uint32_t type) {
  return find([&](const FormatInfo& info) { return info.gguf_type == type; });
}

}  // namespace continuo
