// Nemotron (Minitron): layer norms that keep weight - 1, ungated squared ReLUs, a part of each head turned. Parmar et
// al. 2024, arXiv:2402.16819.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> nemotron(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5,
                                              .activation = "relu2",
                                              .rope = {.share = 0.5, .share_is_free = true},
                                              .feed_bias = true}));
  const LayerNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .unit_offset = true};
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    std::get<FeedForwardSpec>(layer.ffn).gated = false;
  }
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::final_norm_bias, "*norm.bias"},
});

Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["hidden_act"] = "relu2";
  return {};
}

}  // namespace

extern const Family kNemotron;  // the list's
const Family kNemotron = {
    .model_type = "nemotron",
    .known_as = "Nemotron-4, Minitron",
    .spec = nemotron,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "nemotron", .adapt = adapt_gguf},
};

}  // namespace continuo
