// Qwen3-MoE: Qwen3 with experts. Qwen team 2025, arXiv:2505.09388.
#include "base/json.h"
#include "model/families/qwen.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen3_moe(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  set_head_norms(spec, *spec.final_norm);
  CONTINUO_TRY_VOID(set_qwen_windows(p, spec, [](int, int) { return true; }));
  CONTINUO_TRY_VOID(set_qwen_experts(p, spec, 768, 0));
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
  config["norm_topk_prob"] = true;
  return {};
}

}  // namespace

extern const Family kQwen3Moe;  // the list's
const Family kQwen3Moe = {
    .model_type = "qwen3_moe",
    .known_as = "Qwen3-30B-A3B, Qwen3-235B-A22B",
    .spec = qwen3_moe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "qwen3moe", .also = "qwen3vlmoe", .adapt = adapt_gguf},
};

}  // namespace continuo
