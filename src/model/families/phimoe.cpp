// Phi-3.5-MoE: Mixtral with layer norms, biases, and a router that chooses one expert after the other. Abdin et al.
// 2024, arXiv:2404.14219; Liu et al. 2024, arXiv:2409.12136.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> phimoe(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 131072}, .norm_eps = 1e-5, .rope = {.theta = 1e6}}));
  CONTINUO_TRY(spec.output_bias, p.flag_or("output_bias", false));
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, std::get<FeedForwardSpec>(spec.layers.front().ffn), false));
  if (experts.n_active != 2) return p.wrong("n_active_experts", "2: its router chooses two");
  experts.scores = ExpertsSpec::Scores::sparse_mixer;
  CONTINUO_TRY(const double jitter, p.number_or("router_jitter", 0.01, kZeroToOne));
  experts.jitter = static_cast<float>(jitter);
  const LayerNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps};
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    layer.ffn = experts;
  }
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::final_norm_bias, "*norm.bias"},
    {Role::output_bias, "lm_head.bias"},
    {Role::router, "*layers.#.block_sparse_moe.gate.weight"},
    {Role::expert_gate, "*layers.#.block_sparse_moe.experts.@.w1.weight"},
    {Role::expert_up, "*layers.#.block_sparse_moe.experts.@.w3.weight"},
    {Role::expert_down, "*layers.#.block_sparse_moe.experts.@.w2.weight"},
    {Role::router, "*layers.#.mlp.router.weight"},
    kStackedExperts[1],
    kStackedExperts[2],
});

}  // namespace

extern const Family kPhimoe;  // the list's
const Family kPhimoe = {
    .model_type = "phimoe",
    .known_as = "Phi-3.5-MoE, Phi-mini-MoE, Phi-tiny-MoE",
    .spec = phimoe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "phimoe", .adapt = gguf_copy_window},
};

}  // namespace continuo
