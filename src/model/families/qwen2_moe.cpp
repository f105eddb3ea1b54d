// Qwen2-MoE (Qwen1.5-MoE): Qwen2 with experts, and one that every token uses through a gate of its own.
// Qwen team 2024, qwenlm.github.io/blog/qwen-moe.
#include "base/json.h"
#include "model/families/qwen.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen2_moe(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  CONTINUO_TRY(const bool qkv_bias, p.flag_or("qkv_bias", true));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).qkv_bias = qkv_bias;
    attention_of(layer).out_bias = false;
  }
  CONTINUO_TRY_VOID(set_qwen_windows(p, spec, [](int layer, int first) { return layer % 2 == 0 && layer < first; }));
  CONTINUO_TRY_VOID(set_qwen_experts(p, spec, 1408, 5632));
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::router, "*layers.#.mlp.gate.weight"},
    {Role::expert_gate, "*layers.#.mlp.experts.@.gate_proj.weight"},
    {Role::expert_up, "*layers.#.mlp.experts.@.up_proj.weight"},
    {Role::expert_down, "*layers.#.mlp.experts.@.down_proj.weight"},
    kStackedExperts[1],
    kStackedExperts[2],
    {Role::shared_gate, "*layers.#.mlp.shared_expert.gate_proj.weight"},
    {Role::shared_up, "*layers.#.mlp.shared_expert.up_proj.weight"},
    {Role::shared_down, "*layers.#.mlp.shared_expert.down_proj.weight"},
    {Role::shared_router, "*layers.#.mlp.shared_expert_gate.weight"},
});

// Whether the weights of the chosen experts are divided by their sum is no part of these files.
Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["norm_topk_prob"] = false;
  return {};
}

}  // namespace

extern const Family kQwen2Moe;  // the list's
const Family kQwen2Moe = {
    .model_type = "qwen2_moe",
    .known_as = "Qwen1.5-MoE, Qwen2-57B-A14B",
    .spec = qwen2_moe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "qwen2moe", .adapt = adapt_gguf},
};

}  // namespace continuo
