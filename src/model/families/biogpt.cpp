// BioGPT: OPT with scaled embeddings. Luo et al. 2022, arXiv:2210.10341.
#include <array>
#include <cmath>

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

Result<ModelSpec> biogpt(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 1024}));
  spec.positions = LearnedPositions{.count = spec.context_length, .offset = 2};
  CONTINUO_TRY(const bool scales, p.flag_or("scales_embedding", true));
  if (scales) spec.embedding_scale = std::sqrt(static_cast<float>(spec.d_model));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "gelu"));
  const LayerNormSpec norm;  // "layer_norm_eps" of these files is not used by the reference
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::learned_positions, "*embed_positions.weight"},
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
    {Role::output, "output_projection.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"biogpt.", ""});

}  // namespace

extern const Family kBiogpt;  // the list's
const Family kBiogpt = {
    .model_type = "biogpt",
    .known_as = "BioGPT",
    .spec = biogpt,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
