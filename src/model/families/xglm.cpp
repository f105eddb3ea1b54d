// XGLM: OPT with positions that no file holds, sines and cosines. Lin et al. 2021, arXiv:2112.10668.
#include <array>
#include <cmath>

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

Result<ModelSpec> xglm(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 2048}));
  CONTINUO_TRY_VOID(expect_flag(p, "cross_attention", false, "there is no encoder to attend to"));
  SinusoidalPositions positions{.offset = 2};
  if (!p.is_null("pad_token")) {
    CONTINUO_TRY(positions.zero_row, p.index_or("pad_token", 1));
  }
  spec.positions = positions;
  CONTINUO_TRY(const bool scales, p.flag_or("scales_embedding", true));
  if (scales) spec.embedding_scale = std::sqrt(static_cast<float>(spec.d_model));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "gelu"));
  const LayerNormSpec norm;
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.self_attn_layer_norm.weight"},
    {Role::mixer_norm_bias, "*layers.#.self_attn_layer_norm.bias"},
    {Role::attention_q, "*layers.#.self_attn.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.self_attn.q_proj.bias"},
    {Role::attention_k, "*layers.#.self_attn.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.self_attn.k_proj.bias"},
    {Role::attention_v, "*layers.#.self_attn.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.self_attn.v_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.out_proj.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.out_proj.bias"},
    {Role::ffn_norm, "*layers.#.final_layer_norm.weight"},
    {Role::ffn_norm_bias, "*layers.#.final_layer_norm.bias"},
    {Role::ffn_up, "*layers.#.fc1.weight"},
    {Role::ffn_up_bias, "*layers.#.fc1.bias"},
    {Role::ffn_down, "*layers.#.fc2.weight"},
    {Role::ffn_down_bias, "*layers.#.fc2.bias"},
    {Role::final_norm, "*layer_norm.weight"},
    {Role::final_norm_bias, "*layer_norm.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"*embed_positions.weights"});

}  // namespace

extern const Family kXglm;  // the list's
const Family kXglm = {
    .model_type = "xglm",
    .known_as = "XGLM",
    .spec = xglm,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
