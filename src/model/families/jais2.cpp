// Jais 2: Llama with layer norms, biases and ungated squared ReLUs. Inception 2025,
// huggingface.co/inceptionai/Jais-2-8B-Chat.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> jais2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 8192}, .norm_eps = 1e-5, .activation = "relu2"}));
  CONTINUO_TRY(const bool bias, p.flag_or("attention_bias", true));
  CONTINUO_TRY(const bool feed_bias, p.flag_or("mlp_bias", true));
  const LayerNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps};
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    attention_of(layer).qkv_bias = attention_of(layer).out_bias = bias;
    auto& feed = std::get<FeedForwardSpec>(layer.ffn);
    feed.gated = false;
    feed.bias = feed_bias;
  }
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::final_norm_bias, "*norm.bias"},
});

}  // namespace

extern const Family kJais2;  // the list's
const Family kJais2 = {
    .model_type = "jais2",
    .known_as = "Jais 2",
    .spec = jais2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "jais2"},
};

}  // namespace continuo
