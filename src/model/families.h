// A family is data: how a checkpoint's hyper-parameters become a ModelSpec, and what its tensors are called.
// One file for each in families/, one line in the list of families.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"
#include "model/weights.h"

namespace continuo {

// What a tensor is for. The order is that of kRoles in bind.cpp.
enum class Role : std::uint8_t {
  embedding,
  embedding_norm,
  embedding_norm_bias,
  embedding_widen,
  learned_positions,
  mixer_norm,
  mixer_norm_bias,
  mixer_out_norm,
  attention_q,
  attention_q_bias,
  attention_k,
  attention_k_bias,
  attention_v,
  attention_v_bias,
  attention_qkv,  // q, k and v in one tensor, their outputs one after the other; or by groups, where the spec says so
  attention_qkv_bias,
  attention_q_norm,
  attention_q_norm_bias,
  attention_k_norm,
  attention_k_norm_bias,
  attention_out,
  attention_out_bias,
  feed_norm,
  feed_norm_bias,
  feed_out_norm,
  feed_gate_up,  // gate and up in one tensor, their outputs one after the other
  feed_gate,
  feed_gate_bias,
  feed_up,
  feed_up_bias,
  feed_down,
  feed_down_bias,
  router,
  expert_gate,  // one tensor an expert ("@" is its number), or all in one with the expert outermost
  expert_up,
  expert_down,
  expert_gate_up,  // gate and up of an expert in one tensor
  shared_gate,
  shared_up,
  shared_down,
  shared_router,  // the shared expert's gate
  final_norm,
  final_norm_bias,
  output_narrow,
  output,
  output_bias,
};

// In `name` "#" stands for the layer's number, "@" for the expert's; "*" at the start for the family's prefix. Whether a tensor
// must be there is not said here: the spec implies it.
struct TensorName {
  Role role;
  std::string_view name;
  Layout layout = Layout::out_major;
};

struct Family {
  std::string_view model_type;  // the files' word
  Result<ModelSpec> (*spec)(const HyperParameters&);
  std::span<const TensorName> tensors;
  // What may stand for "*": the one under which the embedding is found.
  std::span<const std::string_view> prefixes;
  // Names (with "*" and "#") of buffers that published files carry and the network does not need.
  std::span<const std::string_view> ignored;
};

std::span<const Family* const> families();
const Family* find_family(std::string_view model_type);

// What families share.
inline constexpr int kMaxLayers = 4096;
Result<Activation> activation(const HyperParameters& parameters, std::string fallback);
// d_model, vocab_size, context_length, tied_output; an error if one is missing.
Result<ModelSpec> plain_spec(const HyperParameters& parameters, bool tied_by_default);
// d_model / n_heads; an error if it leaves a rest.
Result<int> even_head_dim(const HyperParameters& parameters, int d_model, int n_heads);

}  // namespace continuo
