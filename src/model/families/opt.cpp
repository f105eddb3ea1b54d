// OPT: GPT-2 with its parts apart, positions that begin two rows later; the 350M model normalizes after each
// part and has embeddings narrower than its layers. Zhang et al. 2022, arXiv:2205.01068.
#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

Result<ModelSpec> opt(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true}));
  spec.positions = LearnedPositions{.count = spec.context_length, .offset = 2};
  CONTINUO_TRY(const int width, p.count_or("d_embedding", spec.d_model));
  if (width != spec.d_model) spec.d_embedding = width;
  CONTINUO_TRY(const bool bias, p.flag_or("biases", true));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = bias;

  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = bias}, "relu"));
  CONTINUO_TRY(const bool weights, p.flag_or("norm_weights", true));
  const LayerNormSpec norm{.eps = 1e-5f, .bias = weights, .weight = weights};
  CONTINUO_TRY(const bool before, p.flag_or("norm_before", true));
  CONTINUO_TRY_VOID(fill_layers(p, spec,
                                {.order = before ? LayerSpec::Order::sequential : LayerSpec::Order::post_norm,
                                 .mixer_norm = norm,
                                 .mixer = mixer,
                                 .ffn_norm = norm,
                                 .ffn = feed}));
  CONTINUO_TRY(const bool no_final_norm, p.flag_or("no_final_norm", false));
  if (before && !no_final_norm) spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::embedding_project_in, "*project_in.weight"},
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
    {Role::final_norm, "*final_layer_norm.weight"},
    {Role::final_norm_bias, "*final_layer_norm.bias"},
    {Role::output_project_out, "*project_out.weight"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.decoder.", "decoder.", ""});

}  // namespace

extern const Family kOpt;  // the list's
const Family kOpt = {
    .model_type = "opt",
    .known_as = "OPT, Galactica",
    .spec = opt,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
