// OLMoE: Llama with experts and norms of all queries and all keys at once. Muennighoff et al. 2024, arXiv:2409.02060.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> olmoe(const HyperParameters& p) {
  CONTINUO_TRY(const bool clips, p.has("qkv_clip"));
  if (clips) return p.wrong("qkv_clip", "null: clipping what is normalized is not supported for this kind of model");
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 4096}, .norm_eps = 1e-5}));
  CONTINUO_TRY(const ExpertsSpec experts, plain_experts(p, std::get<FeedForwardSpec>(spec.layers.front().ffn), false));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).qk_norm = QkNormSpec{*spec.final_norm, QkNormSpec::Span::all_heads};
    layer.ffn = experts;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::router, "*layers.#.mlp.gate.weight"},
    {Role::expert_gate, "*layers.#.mlp.experts.@.gate_proj.weight"},
    {Role::expert_up, "*layers.#.mlp.experts.@.up_proj.weight"},
    {Role::expert_down, "*layers.#.mlp.experts.@.down_proj.weight"},
    kStackedExperts[1],
    kStackedExperts[2],
});

// Whether the weights of the chosen experts are divided by their sum is no part of these files.
Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["norm_topk_prob"] = false;
  return {};
}

}  // namespace

extern const Family kOlmoe;  // the list's
const Family kOlmoe = {
    .model_type = "olmoe",
    .known_as = "OLMoE",
    .spec = olmoe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "olmoe", .adapt = adapt_gguf},
};

}  // namespace continuo
