// Qwen3: Llama with norms of queries and keys. Qwen team 2025, arXiv:2505.09388.
#include "model/families/qwen.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen3(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.head_dim = 128}));
  set_head_norms(spec, *spec.final_norm);
  CONTINUO_TRY_VOID(set_qwen_windows(p, spec, [](int layer, int first) { return layer >= first; }));
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
});

}  // namespace

extern const Family kQwen3;  // the list's
const Family kQwen3 = {
    .model_type = "qwen3",
    .known_as = "Qwen3",
    .spec = qwen3,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "qwen3", .also = "qwen3vl"},
};

}  // namespace continuo
