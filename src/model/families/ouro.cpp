// Ouro: Llama with norms before and after each part whose layers are gone through several times, with the last norm
// between, and a gate that says how likely each time is the last. Zhu et al. 2025, arXiv:2510.25741.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> ouro(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 32768}}));
  for (LayerSpec& layer : spec.layers) layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
  CONTINUO_TRY(const bool windows, p.flag_or("use_window", false));
  CONTINUO_TRY(const int window, windows ? window_or(p, 4096) : Result<int>(0));
  CONTINUO_TRY(const int first, p.index_or("first_window_layer", 28));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int layer) { return window > 0 && layer >= first; }));
  CONTINUO_TRY(spec.loop, plain_loop(p, spec, 4, true));
  spec.loop->gate = true;
  CONTINUO_TRY(const double threshold, p.number_or("exit_threshold", 1, kZeroToOne));
  spec.loop->gate_threshold = static_cast<float>(threshold);
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::post_mixer_norm, "*layers.#.input_layernorm_2.weight"},
    {Role::post_ffn_norm, "*layers.#.post_attention_layernorm_2.weight"},
    {Role::exit_gate, "*early_exit_gate.weight"},
    {Role::exit_gate_bias, "*early_exit_gate.bias"},
});

}  // namespace

extern const Family kOuro;  // the list's
const Family kOuro = {
    .model_type = "ouro",
    .known_as = "Ouro",
    .spec = ouro,
    .names = llama_names(kTensors),
};

}  // namespace continuo
