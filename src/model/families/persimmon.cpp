// Persimmon: sequential GPT-NeoX with norms of queries and keys and squared ReLUs. Elsen et al. 2023,
// adept.ai/blog/persimmon-8b.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> persimmon(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 16384}));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.n_kv_heads = mixer.n_heads;
  mixer.grouped_qkv = true;
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length, {.share = 0.5, .share_is_free = true}));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY(const bool qk_norm, p.flag_or("qk_norm", true));
  if (qk_norm) mixer.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "relu2"));
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::attention_qkv, "*layers.#.self_attn.query_key_value.weight"},
    {Role::attention_qkv_bias, "*layers.#.self_attn.query_key_value.bias"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_layernorm.weight"},
    {Role::attention_q_norm_bias, "*layers.#.self_attn.q_layernorm.bias"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_layernorm.weight"},
    {Role::attention_k_norm_bias, "*layers.#.self_attn.k_layernorm.bias"},
    {Role::attention_out, "*layers.#.self_attn.dense.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.dense.bias"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::ffn_up, "*layers.#.mlp.dense_h_to_4h.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp.dense_h_to_4h.bias"},
    {Role::ffn_down, "*layers.#.mlp.dense_4h_to_h.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.dense_4h_to_h.bias"},
    {Role::final_norm, "*final_layernorm.weight"},
    {Role::final_norm_bias, "*final_layernorm.bias"},
});

}  // namespace

extern const Family kPersimmon;  // the list's
const Family kPersimmon = {
    .model_type = "persimmon",
    .known_as = "Persimmon 8B",
    .spec = persimmon,
    .names = llama_names(kTensors),
};

}  // namespace continuo
