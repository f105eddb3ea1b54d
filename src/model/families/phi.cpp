// Phi (1, 1.5, 2): attention and feed-forward of the same normalized state side by side, biases everywhere, a
// part of each head turned. Li et al. 2023, arXiv:2309.05463.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> phi(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {}));
  spec.output_bias = true;
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length, {.share = 0.5, .share_is_free = true}));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));

  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY(const bool qk_norm, p.flag_or("qk_norm", false));
  if (qk_norm) mixer.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "gelu_new"));
  CONTINUO_TRY_VOID(
      fill_layers(p, spec, {.order = LayerSpec::Order::parallel, .mixer_norm = norm, .mixer = mixer, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_layernorm.weight"},
    {Role::attention_q_norm_bias, "*layers.#.self_attn.q_layernorm.bias"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_layernorm.weight"},
    {Role::attention_k_norm_bias, "*layers.#.self_attn.k_layernorm.bias"},
    {Role::attention_out, "*layers.#.self_attn.dense.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.dense.bias"},
    {Role::ffn_up, "*layers.#.mlp.fc1.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp.fc1.bias"},
    {Role::ffn_down, "*layers.#.mlp.fc2.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.fc2.bias"},
    {Role::final_norm, "*final_layernorm.weight"},
    {Role::final_norm_bias, "*final_layernorm.bias"},
    {Role::output_bias, "lm_head.bias"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  config["qk_layernorm"] = gguf_stored(file, 0, "attn_q_norm.weight");
  return {};
}

}  // namespace

extern const Family kPhi;  // the list's
const Family kPhi = {
    .model_type = "phi",
    .known_as = "Phi-1, Phi-1.5, Phi-2",
    .spec = phi,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "phi2", .adapt = adapt_gguf},
};

}  // namespace continuo
