// DeepSeek-V2: latent attention and experts, some of which every token uses. DeepSeek-AI 2024, arXiv:2405.04434.
#include <fmt/format.h>

#include "model/families/latent.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// Experts are chosen among all, or among those of the best groups.
Result<void> set_groups(const HyperParameters& p, ExpertsSpec& experts) {
  CONTINUO_TRY(const std::string choice, p.text_or("expert_choice", "greedy"));
  if (std::string_view(choice) == "greedy") return {};
  if (std::string_view(choice) != "group_limited_greedy")
    return p.wrong("expert_choice", "one of greedy, group_limited_greedy");
  CONTINUO_TRY(experts.n_groups, p.count("expert_groups", experts.n_experts));
  CONTINUO_TRY(experts.n_active_groups, p.count("active_expert_groups", experts.n_groups));
  if (experts.n_experts % experts.n_groups != 0) {
    return p.wrong("expert_groups", fmt::format("a divisor of the {} experts", experts.n_experts));
  }
  return {};
}

Result<ExpertsSpec> experts_of(const HyperParameters& p, const FeedForwardSpec& feed) {
  CONTINUO_TRY_VOID(
      expect_flag(p, "normalize_experts", false, "normalized weights are not supported for this kind of model"));
  ExpertsSpec experts;
  experts.expert = feed;
  CONTINUO_TRY(experts.expert.d_ff, p.count_or("expert_d_ff", 1407));
  CONTINUO_TRY(experts.n_experts, p.count_or("n_routed_experts", 64, kMaxExperts));
  CONTINUO_TRY(experts.n_active, p.count("n_active_experts", experts.n_experts));
  experts.normalize = false;
  CONTINUO_TRY(const double scale, p.number_or("routed_scale", 1, kFactor));
  experts.routed_scale = static_cast<float>(scale);
  CONTINUO_TRY(const int n_shared, p.count_or("n_shared_experts", 2, 64));
  experts.shared = experts.expert;
  if (experts.expert.d_ff > HyperParameters::kLargest / n_shared) return p.wrong("expert_d_ff", "a sensible width");
  experts.shared->d_ff *= n_shared;
  CONTINUO_TRY_VOID(set_groups(p, experts));
  return experts;
}

Result<ModelSpec> deepseek_v2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, latent_spec(p, {.plain = {.context_length = 2048}}, {.q_rank = 1536}));
  CONTINUO_TRY(const ExpertsSpec experts, experts_of(p, std::get<FeedForwardSpec>(spec.layers.front().ffn)));
  CONTINUO_TRY(const int first, p.index_or("first_expert_layer", 0));
  CONTINUO_TRY_VOID(expect_flag(p, "mlp_bias", false, "biases of experts are not supported for this kind of model"));
  for (std::size_t i = static_cast<std::size_t>(first); i < spec.layers.size(); ++i) spec.layers[i].ffn = experts;
  return spec;
}

constexpr LlamaNames kTensors({
    CONTINUO_LATENT_TENSORS,
    {Role::router, "*layers.#.mlp.gate.weight"},
    {Role::expert_gate, "*layers.#.mlp.experts.@.gate_proj.weight"},
    {Role::expert_up, "*layers.#.mlp.experts.@.up_proj.weight"},
    {Role::expert_down, "*layers.#.mlp.experts.@.down_proj.weight"},
    kStackedExperts[1],
    kStackedExperts[2],
    {Role::shared_gate, "*layers.#.mlp.shared_experts.gate_proj.weight"},
    {Role::shared_up, "*layers.#.mlp.shared_experts.up_proj.weight"},
    {Role::shared_down, "*layers.#.mlp.shared_experts.down_proj.weight"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(adapt_latent_gguf(file, config));
  CONTINUO_TRY(const auto gating, gguf_number(file, "expert_gating_func"));
  if (gating.value_or(1) > 1)
    return gguf_wrong(file, "expert_gating_func", "is not 1, a softmax", "DeepSeek-V3 is not supported");
  CONTINUO_TRY_VOID(gguf_copy(file, "expert_weights_norm", config, "norm_topk_prob"));
  CONTINUO_TRY_VOID(gguf_copy(file, "expert_weights_scale", config, "routed_scaling_factor"));
  CONTINUO_TRY_VOID(gguf_copy(file, "expert_shared_count", config, "n_shared_experts"));
  CONTINUO_TRY_VOID(gguf_copy(file, "leading_dense_block_count", config, "first_k_dense_replace"));
  CONTINUO_TRY_VOID(gguf_copy(file, "expert_count", config, "n_routed_experts"));
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  const AttentionSpec& attention = *first_attention(spec);
  const LatentSpec& latent = *attention.latent;
  // What is remembered is one head of turned keys and latent values.
  into.set("attention.head_count_kv", 1);
  into.set("attention.key_length", latent.kv_rank + latent.rope_dim);
  into.set("attention.value_length", latent.kv_rank);
  into.set("attention.key_length_mla", latent.nope_dim + latent.rope_dim);
  into.set("attention.value_length_mla", latent.v_dim);
  set_leading_dense(spec, into);
  if (const auto* experts = first_ffn<ExpertsSpec>(spec)) {
    into.set("expert_weights_scale", experts->routed_scale);
    into.set("expert_weights_norm", false);
    into.set("expert_gating_func", 1);
    into.set("expert_shared_count", experts->shared->d_ff / experts->expert.d_ff);
    into.drop("expert_shared_feed_forward_length");
  }
}

}  // namespace

extern const Family kDeepseekV2;  // the list's
const Family kDeepseekV2 = {
    .model_type = "deepseek_v2",
    .known_as = "DeepSeek-V2, V2-Lite, Coder-V2",
    .spec = deepseek_v2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "deepseek2", .adapt = adapt_gguf, .split_latent = true, .write = write_gguf},
};

}  // namespace continuo
