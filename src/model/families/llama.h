// Llama, for the families that are Llama plus what differs.
#pragma once

#include <array>
#include <initializer_list>
#include <string>

#include "model/families.h"
#include "model/family_parts.h"
#include "model/rope_parameters.h"

namespace continuo {

struct LlamaDefaults {
  PlainDefaults plain = {};
  double norm_eps = 1e-6;
  std::string activation = "silu";
  int head_dim = 0;  // 0: d_model / n_heads
  RopeDefaults rope = {};
  bool feed_bias = false;     // the file may say "mlp_bias"
  bool ropes_differ = false;  // from layer to layer: the family reads them itself
};

Result<ModelSpec> llama_spec(const HyperParameters& parameters, const LlamaDefaults& defaults);

// Llama's names with some roles named otherwise, or named at all. A name given to another role is taken from
// its own.
class LlamaNames {
 public:
  constexpr LlamaNames(std::initializer_list<TensorName> changes);
  constexpr operator std::span<const TensorName>() const { return {names_.data(), size_}; }

 private:
  constexpr void add(const TensorName& name) { names_[size_++] = name; }
  std::array<TensorName, 48> names_ = {};
  std::size_t size_ = 0;
};

inline constexpr auto kLlamaTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::attention_q, "*layers.#.self_attn.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.self_attn.q_proj.bias"},
    {Role::attention_k, "*layers.#.self_attn.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.self_attn.k_proj.bias"},
    {Role::attention_v, "*layers.#.self_attn.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.self_attn.v_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.o_proj.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.o_proj.bias"},
    {Role::ffn_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.mlp.gate_proj.weight"},
    {Role::ffn_gate_bias, "*layers.#.mlp.gate_proj.bias"},
    {Role::ffn_up, "*layers.#.mlp.up_proj.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp.up_proj.bias"},
    {Role::ffn_down, "*layers.#.mlp.down_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.down_proj.bias"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "lm_head.weight"},
});
inline constexpr auto kLlamaPrefixes = std::to_array<std::string_view>({"model.", ""});
// Frequencies that older files carry.
inline constexpr auto kLlamaIgnored =
    std::to_array<std::string_view>({"*layers.#.self_attn.rotary_emb.inv_freq", "*rotary_emb.inv_freq"});

constexpr LlamaNames::LlamaNames(std::initializer_list<TensorName> changes) {
  for (const TensorName& name : kLlamaTensors) {
    bool changed = false;
    for (const TensorName& change : changes) changed = changed || change.role == name.role || change.name == name.name;
    if (!changed) add(name);
  }
  for (const TensorName& change : changes) add(change);
}

// All experts of a layer in one tensor, as transformers 5 keeps them, and writes them where it is told to.
inline constexpr TensorName kStackedExperts[] = {
    {Role::router, "*layers.#.mlp.gate.weight"},
    {Role::expert_gate_up, "*layers.#.mlp.experts.gate_up_proj"},
    {Role::expert_down, "*layers.#.mlp.experts.down_proj"},
};

// Norms of each head's queries and keys, with one weight row for all heads.
void set_head_norms(ModelSpec& spec, const NormSpec& norm);

// Norms after each part instead of before it (OLMo 2), and norms of queries and keys.
void set_post_norms(ModelSpec& spec);
inline constexpr LlamaNames kPostNorms({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::post_mixer_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_feedforward_layernorm.weight"},
});

constexpr TensorNames llama_names(std::span<const TensorName> tensors) {
  return {tensors, kLlamaPrefixes, kLlamaIgnored};
}

}  // namespace continuo
