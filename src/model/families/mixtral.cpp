// Mixtral: Mistral with experts for a feed-forward. Jiang et al. 2024, arXiv:2401.04088.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> mixtral(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5, .rope = {.theta = 1e6}}));
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  const auto& expert = std::get<FeedForwardSpec>(spec.layers.front().ffn);
  CONTINUO_TRY(const ExpertsSpec experts, plain_experts(p, expert, true));
  for (LayerSpec& layer : spec.layers) layer.ffn = experts;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::router, "*layers.#.block_sparse_moe.gate.weight"},
    {Role::expert_gate, "*layers.#.block_sparse_moe.experts.@.w1.weight"},
    {Role::expert_up, "*layers.#.block_sparse_moe.experts.@.w3.weight"},
    {Role::expert_down, "*layers.#.block_sparse_moe.experts.@.w2.weight"},
    kStackedExperts[0],
    kStackedExperts[1],
    kStackedExperts[2],
});

bool has_experts(const Checkpoint& file) {
  const Json* const count = gguf_value(file, "expert_count");
  return count && *count != 0;
}

}  // namespace

extern const Family kMixtral;  // the list's
const Family kMixtral = {
    .model_type = "mixtral",
    .known_as = "Mixtral",
    .spec = mixtral,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "llama", .paired_heads = true, .claims = has_experts},
};

}  // namespace continuo
