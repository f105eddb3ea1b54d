// StarCoder2: GPT-2's blocks with grouped queries, rotary positions and a window. Lozhkov et al. 2024,
// arXiv:2402.19173.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> starcoder2(const HyperParameters& p) {
  CONTINUO_TRY(const std::string feed_kind, p.text_or("feed_kind", "default"));
  if (feed_kind != "default") return p.wrong("feed_kind", "default");
  CONTINUO_TRY(const std::string norm_kind, p.text_or("norm_kind", "layer_norm"));
  if (norm_kind != "layer_norm") return p.wrong("norm_kind", "layer_norm");
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true}));
  CONTINUO_TRY(const bool bias, p.flag_or("biases", true));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = bias;
  CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));

  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = bias}, "gelu_pytorch_tanh"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::ffn_up, "*layers.#.mlp.c_fc.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp.c_fc.bias"},
    {Role::ffn_down, "*layers.#.mlp.c_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.c_proj.bias"},
    {Role::final_norm_bias, "*norm.bias"},
});

}  // namespace

extern const Family kStarcoder2;  // the list's
const Family kStarcoder2 = {
    .model_type = "starcoder2",
    .known_as = "StarCoder 2",
    .spec = starcoder2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "starcoder2"},
};

}  // namespace continuo
