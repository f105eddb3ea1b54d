// What Qwen3-Next and Qwen3.5 share.
#pragma once

#include "model/families/delta_net.h"
#include "model/families/qwen.h"

namespace continuo {

// Gated delta nets (`grouped`: one map for q, k, v and z of all key heads), and in every fourth layer
// attention whose results pass a gate for each value; dense feed-forward networks; norms that keep weight
// - 1.
Result<ModelSpec> qwen3_next_spec(const HyperParameters& parameters, bool grouped);

// What GGUF files call the tensors of both; sizes and kinds of layers by the names of their own files.
inline constexpr auto kGgufDeltaNames = std::to_array<TensorName>({
    {Role::ffn_norm, "blk.#.post_attention_norm.weight"},
    {Role::delta_qkv, "blk.#.attn_qkv.weight"},
    {Role::delta_z, "blk.#.attn_gate.weight"},
    {Role::delta_b, "blk.#.ssm_beta.weight"},
    {Role::delta_a, "blk.#.ssm_alpha.weight"},
    {Role::delta_ba, "blk.#.ssm_ba.weight"},
    {Role::conv_filters, "blk.#.ssm_conv1d.weight"},
    {Role::delta_rate, "blk.#.ssm_a"},
    {Role::delta_dt_bias, "blk.#.ssm_dt.bias"},
    {Role::delta_norm, "blk.#.ssm_norm.weight"},
    {Role::delta_out, "blk.#.ssm_out.weight"},
});
Result<void> adapt_gguf_qwen3_next(const Checkpoint& file, Json& config);
// Which layers have delta nets.
void write_gguf_qwen3_next(const ModelSpec& spec, GgufNumbers& into);

// Layers that predict later tokens ("mtp"), which are not run.
inline constexpr auto kQwenIgnored = std::to_array<std::string_view>({
    "*layers.#.self_attn.rotary_emb.inv_freq",
    "*rotary_emb.inv_freq",
    "mtp.fc.weight",
    "mtp.norm.weight",
    "mtp.pre_fc_norm_embedding.weight",
    "mtp.pre_fc_norm_hidden.weight",
    "mtp.layers.#.input_layernorm.weight",
    "mtp.layers.#.post_attention_layernorm.weight",
    "mtp.layers.#.self_attn.q_proj.weight",
    "mtp.layers.#.self_attn.k_proj.weight",
    "mtp.layers.#.self_attn.v_proj.weight",
    "mtp.layers.#.self_attn.o_proj.weight",
    "mtp.layers.#.self_attn.q_norm.weight",
    "mtp.layers.#.self_attn.k_norm.weight",
    "mtp.layers.#.mlp.gate_proj.weight",
    "mtp.layers.#.mlp.up_proj.weight",
    "mtp.layers.#.mlp.down_proj.weight",
    "mtp.layers.#.mlp.gate.weight",
    "mtp.layers.#.mlp.experts.@.gate_proj.weight",
    "mtp.layers.#.mlp.experts.@.up_proj.weight",
    "mtp.layers.#.mlp.experts.@.down_proj.weight",
    "mtp.layers.#.mlp.shared_expert.gate_proj.weight",
    "mtp.layers.#.mlp.shared_expert.up_proj.weight",
    "mtp.layers.#.mlp.shared_expert.down_proj.weight",
    "mtp.layers.#.mlp.shared_expert_gate.weight",
});

}  // namespace continuo
