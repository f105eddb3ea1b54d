// RoBERTa, XLM-RoBERTa and CamemBERT: BERT with positions that begin behind the padding token's. Liu et al. 2019,
// arXiv:1907.11692; Conneau et al. 2019, arXiv:1911.02116; Martin et al. 2019, arXiv:1911.03894.
#include "model/families/bert.h"

namespace continuo {

namespace {

Result<ModelSpec> roberta(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, bert_spec(p));
  CONTINUO_TRY_VOID(count_from_padding(p, spec));
  if (spec.output_head) spec.output_head->activation = Activation::gelu_erf;  // whatever the layers have
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.word_embeddings.weight"},
    {Role::learned_positions, "*embeddings.position_embeddings.weight"},
    {Role::token_types, "*embeddings.token_type_embeddings.weight"},
    {Role::embedding_norm, "*embeddings.LayerNorm.weight"},
    {Role::embedding_norm_bias, "*embeddings.LayerNorm.bias"},
    {Role::attention_q, "*encoder.layer.#.attention.self.query.weight"},
    {Role::attention_q_bias, "*encoder.layer.#.attention.self.query.bias"},
    {Role::attention_k, "*encoder.layer.#.attention.self.key.weight"},
    {Role::attention_k_bias, "*encoder.layer.#.attention.self.key.bias"},
    {Role::attention_v, "*encoder.layer.#.attention.self.value.weight"},
    {Role::attention_v_bias, "*encoder.layer.#.attention.self.value.bias"},
    {Role::attention_out, "*encoder.layer.#.attention.output.dense.weight"},
    {Role::attention_out_bias, "*encoder.layer.#.attention.output.dense.bias"},
    {Role::mixer_norm, "*encoder.layer.#.attention.output.LayerNorm.weight"},
    {Role::mixer_norm_bias, "*encoder.layer.#.attention.output.LayerNorm.bias"},
    {Role::ffn_up, "*encoder.layer.#.intermediate.dense.weight"},
    {Role::ffn_up_bias, "*encoder.layer.#.intermediate.dense.bias"},
    {Role::ffn_down, "*encoder.layer.#.output.dense.weight"},
    {Role::ffn_down_bias, "*encoder.layer.#.output.dense.bias"},
    {Role::ffn_norm, "*encoder.layer.#.output.LayerNorm.weight"},
    {Role::ffn_norm_bias, "*encoder.layer.#.output.LayerNorm.bias"},
    {Role::output_head, "lm_head.dense.weight"},
    {Role::output_head_bias, "lm_head.dense.bias"},
    {Role::output_head_norm, "lm_head.layer_norm.weight"},
    {Role::output_head_norm_bias, "lm_head.layer_norm.bias"},
    {Role::output, "lm_head.decoder.weight"},
    {Role::output_bias, "lm_head.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"roberta.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"*embeddings.position_ids", "*pooler.dense.weight", "*pooler.dense.bias", "lm_head.decoder.bias"});

}  // namespace

extern const Family kRoberta, kXlmRoberta, kCamembert;  // the list's
const Family kRoberta = {
    .model_type = "roberta",
    .known_as = "RoBERTa, DistilRoBERTa",
    .spec = roberta,
    .names = {kTensors, kPrefixes, kIgnored},
};
const Family kXlmRoberta = {
    .model_type = "xlm-roberta",
    .known_as = "XLM-RoBERTa, multilingual E5, BGE-M3",
    .spec = roberta,
    .names = {kTensors, kPrefixes, kIgnored},
};
const Family kCamembert = {
    .model_type = "camembert",
    .known_as = "CamemBERT",
    .spec = roberta,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
