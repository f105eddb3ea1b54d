#include "quant/format.h"

#include <array>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"
#include "quant/iq1.h"
#include "quant/iq2_s.h"
#include "quant/iq2_xs.h"
#include "quant/iq2_xxs.h"
#include "quant/iq3_s.h"
#include "quant/iq3_xxs.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
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
#include "quant/ternary.h"

namespace continuo {

namespace {

// All values weigh by their size alone.
template <auto kFit>
void unweighted(const float* values, std::byte* stored, std::size_t n) {
  kFit(values, nullptr, stored, n);
}

constexpr std::array<FormatInfo, kFormatCount> kFormats = {{
    {Format::f32, "f32", "F32", 0, 0, 1, 4, f32_to_float, f32_from_float, nullptr},
    {Format::f16, "f16", "F16", 1, 1, 1, 2, f16_to_float, f16_from_float, nullptr},
    {Format::bf16, "bf16", "BF16", 30, 32, 1, 2, bf16_to_float, bf16_from_float, nullptr},
    {Format::q8_0, "q8_0", "", 8, 7, kBlock, kQ8_0Bytes, q8_0_to_float, q8_0_from_float, nullptr},
    {Format::q4_0, "q4_0", "", 2, 2, kBlock, kQ4_0Bytes, q4_0_to_float, q4_0_from_float, q4_0_fit},
    {Format::q4_1, "q4_1", "", 3, 3, kBlock, kQ4_1Bytes, q4_1_to_float, q4_1_from_float, q4_1_fit},
    {Format::q5_0, "q5_0", "", 6, 8, kBlock, kQ5_0Bytes, q5_0_to_float, q5_0_from_float, q5_0_fit},
    {Format::q5_1, "q5_1", "", 7, 9, kBlock, kQ5_1Bytes, q5_1_to_float, q5_1_from_float, q5_1_fit},
    {Format::q2_k, "q2_k", "", 10, 10, kSuperBlock, kQ2_KBytes, q2_k_to_float, unweighted<q2_k_fit>, q2_k_fit},
    {Format::q3_k, "q3_k", "", 11, 11, kSuperBlock, kQ3_KBytes, q3_k_to_float, unweighted<q3_k_fit>, q3_k_fit},
    {Format::q4_k, "q4_k", "", 12, 14, kSuperBlock, kQ4_KBytes, q4_k_to_float, unweighted<q4_k_fit>, q4_k_fit},
    {Format::q5_k, "q5_k", "", 13, 16, kSuperBlock, kQ5_KBytes, q5_k_to_float, unweighted<q5_k_fit>, q5_k_fit},
    {Format::q6_k, "q6_k", "", 14, 18, kSuperBlock, kQ6_KBytes, q6_k_to_float, unweighted<q6_k_fit>, q6_k_fit},
    {Format::iq4_nl, "iq4_nl", "", 20, 25, kBlock, kIQ4_NLBytes, iq4_nl_to_float, unweighted<iq4_nl_fit>, iq4_nl_fit},
    {Format::iq4_xs, "iq4_xs", "", 23, 30, kSuperBlock, kIQ4_XSBytes, iq4_xs_to_float, unweighted<iq4_xs_fit>,
     iq4_xs_fit},
    {Format::mxfp4, "mxfp4", "", 39, 38, kBlock, kMXFP4Bytes, mxfp4_to_float, mxfp4_from_float, nullptr},
    {Format::tq1_0, "tq1_0", "", 34, 36, kSuperBlock, kTQ1_0Bytes, tq1_0_to_float, tq1_0_from_float, nullptr},
    {Format::tq2_0, "tq2_0", "", 35, 37, kSuperBlock, kTQ2_0Bytes, tq2_0_to_float, tq2_0_from_float, nullptr},
    {Format::iq1_s, "iq1_s", "", 19, 24, kSuperBlock, kIQ1_SBytes, iq1_s_to_float, unweighted<iq1_s_fit>, iq1_s_fit},
    {Format::iq1_m, "iq1_m", "", 29, 31, kSuperBlock, kIQ1_MBytes, iq1_m_to_float, unweighted<iq1_m_fit>, iq1_m_fit},
    {Format::iq2_xxs, "iq2_xxs", "", 16, 19, kSuperBlock, kIQ2_XXSBytes, iq2_xxs_to_float, unweighted<iq2_xxs_fit>,
     iq2_xxs_fit},
    {Format::iq2_xs, "iq2_xs", "", 17, 20, kSuperBlock, kIQ2_XSBytes, iq2_xs_to_float, unweighted<iq2_xs_fit>,
     iq2_xs_fit},
    {Format::iq2_s, "iq2_s", "", 22, 28, kSuperBlock, kIQ2_SBytes, iq2_s_to_float, unweighted<iq2_s_fit>, iq2_s_fit},
    {Format::iq3_xxs, "iq3_xxs", "", 18, 23, kSuperBlock, kIQ3_XXSBytes, iq3_xxs_to_float, unweighted<iq3_xxs_fit>,
     iq3_xxs_fit},
    {Format::iq3_s, "iq3_s", "", 21, 26, kSuperBlock, kIQ3_SBytes, iq3_s_to_float, unweighted<iq3_s_fit>, iq3_s_fit},
    {Format::nvfp4, "nvfp4", "", 40, 39, kNvfp4Values, kNVFP4Bytes, nvfp4_to_float, unweighted<nvfp4_fit>, nvfp4_fit},
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
