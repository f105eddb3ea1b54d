// ModernBERT: an encoder with rotary positions, gated networks, and a window in two layers of three. Warner et al.
// 2024, arXiv:2412.13663.
#include "model/families/modernbert.h"

#include "model/families/bert.h"

namespace continuo {

namespace {

Result<ModelSpec> modernbert(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, modernbert_decoder_spec(p));
  for (LayerSpec& layer : spec.layers) attention_of(layer).mask = AttentionSpec::Mask::both_sides;
  CONTINUO_TRY(spec.has_output, guesses_words(p));
  if (!spec.has_output) {
    spec.output_head.reset();
    spec.output_bias = false;
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.tok_embeddings.weight"},
    {Role::embedding_norm, "*embeddings.norm.weight"},
    {Role::embedding_norm_bias, "*embeddings.norm.bias"},
    {Role::mixer_norm, "*layers.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "*layers.#.attn_norm.bias"},
    {Role::attention_qkv, "*layers.#.attn.Wqkv.weight"},
    {Role::attention_qkv_bias, "*layers.#.attn.Wqkv.bias"},
    {Role::attention_out, "*layers.#.attn.Wo.weight"},
    {Role::attention_out_bias, "*layers.#.attn.Wo.bias"},
    {Role::ffn_norm, "*layers.#.mlp_norm.weight"},
    {Role::ffn_norm_bias, "*layers.#.mlp_norm.bias"},
    {Role::ffn_gate_up, "*layers.#.mlp.Wi.weight"},
    {Role::ffn_gate_up_bias, "*layers.#.mlp.Wi.bias"},
    {Role::ffn_down, "*layers.#.mlp.Wo.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.Wo.bias"},
    {Role::final_norm, "*final_norm.weight"},
    {Role::final_norm_bias, "*final_norm.bias"},
    {Role::output_head, "head.dense.weight"},
    {Role::output_head_bias, "head.dense.bias"},
    {Role::output_head_norm, "head.norm.weight"},
    {Role::output_head_norm_bias, "head.norm.bias"},
    {Role::output, "decoder.weight"},
    {Role::output_bias, "decoder.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", ""});

}  // namespace

extern const Family kModernbert;  // the list's
const Family kModernbert = {
    .model_type = "modernbert",
    .known_as = "ModernBERT, Ettin encoders",
    .spec = modernbert,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
