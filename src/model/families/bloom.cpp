// BLOOM: GPT-2 with ALiBi for positions and a norm right after the embedding. BigScience 2022,
// arXiv:2211.05100.
#include "base/json.h"
#include "model/families.h"
#include "model/family_parts.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> bloom(const HyperParameters& p) {
  // ALiBi has no last position: the length that it was trained for is its context.
  CONTINUO_TRY(ModelSpec spec,
               plain_spec(p, {.tied_output = true, .context_length = 2048, .context_name = "trained_length"}));
  CONTINUO_TRY_VOID(expect_flag(p, "residual_after_norm", false, "residuals of normalized states are not supported"));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.grouped_qkv = mixer.qkv_bias = mixer.out_bias = true;
  mixer.alibi = AlibiSpec{.slopes = alibi_slopes(mixer.n_heads)};

  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  const FeedForwardSpec feed{
      .d_ff = 4 * spec.d_model, .activation = Activation::gelu_tanh, .gated = false, .bias = true};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.embedding_norm = norm;
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*word_embeddings.weight"},
    {Role::embedding_norm, "*word_embeddings_layernorm.weight"},
    {Role::embedding_norm_bias, "*word_embeddings_layernorm.bias"},
    {Role::mixer_norm, "*h.#.input_layernorm.weight"},
    {Role::mixer_norm_bias, "*h.#.input_layernorm.bias"},
    {Role::attention_qkv, "*h.#.self_attention.query_key_value.weight"},
    {Role::attention_qkv_bias, "*h.#.self_attention.query_key_value.bias"},
    {Role::attention_out, "*h.#.self_attention.dense.weight"},
    {Role::attention_out_bias, "*h.#.self_attention.dense.bias"},
    {Role::ffn_norm, "*h.#.post_attention_layernorm.weight"},
    {Role::ffn_norm_bias, "*h.#.post_attention_layernorm.bias"},
    {Role::ffn_up, "*h.#.mlp.dense_h_to_4h.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.dense_h_to_4h.bias"},
    {Role::ffn_down, "*h.#.mlp.dense_4h_to_h.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.dense_4h_to_h.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});

Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["seq_length"] = config["max_position_embeddings"];
  return {};
}

}  // namespace

extern const Family kBloom;  // the list's
const Family kBloom = {
    .model_type = "bloom",
    .known_as = "BLOOM, BLOOMZ",
    .spec = bloom,
    .names = {kTensors, kPrefixes, {}},
    .gguf = {.architecture = "bloom", .adapt = adapt_gguf, .fused_qkv = true},
};

}  // namespace continuo
