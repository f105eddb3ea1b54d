// Mixtures of number formats by the names that people know: "Q4_K_M" and the like. Which tensor gets which format is
// what llama-quantize does (ggml-org/llama.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/gguf_writer.h"
#include "model/spec.h"
#include "quant/format.h"

namespace continuo {

struct Mixture;  // a row of the table

const Mixture* find_mixture(std::string_view name);  // as it is listed; null: there is none
std::vector<std::string_view> mixture_names();
std::string_view mixture_name(const Mixture& mixture);
std::uint32_t mixture_file_type(const Mixture& mixture);  // general.file_type

// The format of each tensor, rows that are no whole blocks not yet considered; f32 where matrices_only says no.
std::vector<Format> mixed_formats(const Mixture& mixture, std::span<const GgufOutput> tensors, const ModelSpec& spec,
                                  std::string_view architecture, bool has_importance);

// Whether a tensor may have another format than f32: a matrix, and none of the small ones that matter much (routers,
// positions, filters, small maps).
bool may_be_quantized(const GgufOutput& tensor);

}  // namespace continuo
