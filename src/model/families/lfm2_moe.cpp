// LFM2-MoE: LFM2 with experts, chosen by sigmoids and a learned bias, behind some dense layers. Liquid AI
// 2025, arXiv:2511.23404.
#include <fmt/format.h>

#include "model/families/lfm2.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ExpertsSpec> experts_spec(const HyperParameters& p, FeedForwardSpec expert) {
  CONTINUO_TRY(expert.d_ff, p.count_or("expert_d_ff", 1792));
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, expert, true));
  experts.scores = ExpertsSpec::Scores::sigmoid;
  experts.normalize_eps = 1e-6f;
  CONTINUO_TRY(experts.selection_bias, p.flag_or("selection_bias", true));
  CONTINUO_TRY(const double scale, p.number_or("routed_scale", 1, kFactor));
  experts.routed_scale = static_cast<float>(scale);
  return experts;
}

Result<ModelSpec> lfm2_moe(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true, .context_length = 128000},
                                              .norm_eps = 1e-5,
                                              .rope = {.theta = 1e6}}));
  CONTINUO_TRY(const int n_dense, p.index_or("n_dense_layers", 2));
  CONTINUO_TRY(const ExpertsSpec experts, experts_spec(p, std::get<FeedForwardSpec>(spec.layers.front().ffn)));
  for (std::size_t i = static_cast<std::size_t>(n_dense); i < spec.layers.size(); ++i) spec.layers[i].ffn = experts;
  CONTINUO_TRY_VOID(set_lfm2_mixers(p, spec));
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.operator_norm.weight"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::conv_in, "*layers.#.conv.in_proj.weight"},
    {Role::conv_in_bias, "*layers.#.conv.in_proj.bias"},
    {Role::conv_filters, "*layers.#.conv.conv.weight"},
    {Role::conv_filters_bias, "*layers.#.conv.conv.bias"},
    {Role::conv_out, "*layers.#.conv.out_proj.weight"},
    {Role::conv_out_bias, "*layers.#.conv.out_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.out_proj.weight"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_layernorm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.w1.weight"},
    {Role::ffn_up, "*layers.#.feed_forward.w3.weight"},
    {Role::ffn_down, "*layers.#.feed_forward.w2.weight"},
    {Role::router, "*layers.#.feed_forward.gate.weight"},
    {Role::router_bias, "*layers.#.feed_forward.expert_bias"},
    {Role::expert_gate, "*layers.#.feed_forward.experts.@.w1.weight"},
    {Role::expert_up, "*layers.#.feed_forward.experts.@.w3.weight"},
    {Role::expert_down, "*layers.#.feed_forward.experts.@.w2.weight"},
    {Role::expert_gate_up, "*layers.#.feed_forward.experts.gate_up_proj"},
    {Role::expert_down, "*layers.#.feed_forward.experts.down_proj"},
    {Role::final_norm, "*embedding_norm.weight"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(config["num_dense_layers"], gguf_whole(file, "leading_dense_block_count", 0));
  CONTINUO_TRY(const int gating, gguf_whole(file, "expert_gating_func"));
  constexpr int kSigmoid = 2;
  if (gating != kSigmoid)
    return gguf_wrong(file, "expert_gating_func", fmt::format("is {}, expected {}", gating, kSigmoid));
  config["use_expert_bias"] = gguf_stored_somewhere(file, "exp_probs_b.bias");
  return adapt_gguf_lfm2(file, config);
}

}  // namespace

extern const Family kLfm2Moe;  // the list's
const Family kLfm2Moe = {
    .model_type = "lfm2_moe",
    .known_as = "LFM2-8B-A1B",
    .spec = lfm2_moe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "lfm2moe", .names = kGgufLfm2Names, .adapt = adapt_gguf, .write = set_leading_dense},
};

}  // namespace continuo
