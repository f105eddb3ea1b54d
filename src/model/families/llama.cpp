// Llama: pre-norm blocks of grouped-query attention with rotary positions and a gated feed-forward.
// Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "model/families.h"
#include "model/families/llama.h"
#include "model/rope_parameters.h"

namespace continuo {

namespace {

Result<AttentionSpec> attention(const HyperParameters& p, const ModelSpec& model) {
  AttentionSpec spec;
  CONTINUO_TRY(spec.n_heads, p.count("n_heads"));
  CONTINUO_TRY(spec.n_kv_heads, p.count_or("n_kv_heads", spec.n_heads));
  if (spec.n_heads % spec.n_kv_heads != 0)
    return p.wrong("n_kv_heads", fmt::format("a divisor of {}", spec.n_heads));
  CONTINUO_TRY(const bool has_head_dim, p.has("head_dim"));
  CONTINUO_TRY(spec.head_dim,
               has_head_dim ? p.count("head_dim") : even_head_dim(p, model.d_model, spec.n_heads));
  spec.scale = 1 / std::sqrt(static_cast<float>(spec.head_dim));
  CONTINUO_TRY(spec.qkv_bias, p.flag_or("attention_bias", false));
  spec.out_bias = spec.qkv_bias;
  CONTINUO_TRY(spec.rope, rope_spec(p, spec.head_dim, model.context_length));
  return spec;
}

constexpr std::array<TensorName, 19> kTensors = {{
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::attention_q, "*layers.#.self_attn.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.self_attn.q_proj.bias"},
    {Role::attention_k, "*layers.#.self_attn.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.self_attn.k_proj.bias"},
    {Role::attention_v, "*layers.#.self_attn.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.self_attn.v_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.o_proj.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.o_proj.bias"},
    {Role::feed_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::feed_gate, "*layers.#.mlp.gate_proj.weight"},
    {Role::feed_gate_bias, "*layers.#.mlp.gate_proj.bias"},
    {Role::feed_up, "*layers.#.mlp.up_proj.weight"},
    {Role::feed_up_bias, "*layers.#.mlp.up_proj.bias"},
    {Role::feed_down, "*layers.#.mlp.down_proj.weight"},
    {Role::feed_down_bias, "*layers.#.mlp.down_proj.bias"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "lm_head.weight"},
}};
constexpr std::array<std::string_view, 2> kPrefixes = {"model.", ""};
constexpr std::array<std::string_view, 2> kIgnored = {"*layers.#.self_attn.rotary_emb.inv_freq",
                                                      "*rotary_emb.inv_freq"};

}  // namespace

Result<ModelSpec> llama_spec(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, false));
  CONTINUO_TRY(const AttentionSpec mixer, attention(p, spec));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));

  FeedForwardSpec feed{.d_ff = 0, .activation = Activation::silu, .gated = true, .bias = false};
  CONTINUO_TRY(feed.d_ff, p.count("d_ff"));
  CONTINUO_TRY(feed.activation, activation(p, "silu"));
  CONTINUO_TRY(feed.bias, p.flag_or("mlp_bias", false));

  CONTINUO_TRY(const double eps, p.number_or("norm_eps", 1e-6, kZeroToOne));
  const RmsNormSpec norm{static_cast<float>(eps)};
  CONTINUO_TRY(const int n_layers, p.count("n_layers", kMaxLayers));
  spec.layers.assign(static_cast<std::size_t>(n_layers), LayerSpec{.mixer_norm = norm, .mixer = mixer, .feed_norm = norm, .feed = feed});
  spec.final_norm = norm;
  return spec;
}

const Family kLlama = {"llama", llama_spec, kTensors, kPrefixes, kIgnored};

}  // namespace continuo
