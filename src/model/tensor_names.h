// What files call the tensors: for each role a name, a prefix, a layout. Binding asks for roles and knows no
// names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/weights.h"

namespace continuo {

// What a tensor is for. The order is that of kRoles in tensor_names.cpp.
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
  attention_qkv,  // q, k and v in one tensor, their outputs one after the other; or by groups, where the spec
                  // says so
  attention_qkv_bias,
  attention_q_norm,  // of heads that have weights of their own: all in one, or one tensor a head ("@" is its
                     // number)
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

// In `name` "#" stands for the layer's number, "@" for the number of the expert or head; "*" at the start for
// the prefix. Whether a tensor must be there is not said here: the spec implies it. A role may have several
// names: files use one of them, and the first is the one that messages suggest.
struct TensorName {
  Role role;
  std::string_view name;
  Layout layout = Layout::out_major;
};

struct TensorNames {
  std::span<const TensorName> tensors;
  // What may stand for "*": the one under which the embedding is found.
  std::span<const std::string_view> prefixes;
  // Names (with "*" and "#") of buffers that published files carry and the network does not need.
  std::span<const std::string_view> ignored;
};

// Where in the network a role's tensor is.
struct TensorPlace {
  std::optional<std::size_t> layer = {};
  std::size_t part = 0;  // for "@"
};

// "layer 3 attention q".
std::string role_text(Role role, const TensorPlace& place);
// "*" becomes the prefix, "#" the layer's number, "@" the part's.
std::string file_name(std::string_view pattern, std::string_view prefix, const TensorPlace& place);
// The same the other way round; "#" and "@" stand for any digits.
bool matches(std::string_view pattern, std::string_view prefix, std::string_view name);

}  // namespace continuo
