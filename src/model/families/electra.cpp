// ELECTRA: BERT with narrow embeddings. Its generator guesses words; its discriminator, which tells guessed words from
// others, gives hidden states. Clark et al. 2020, arXiv:2003.10555.
#include "base/json.h"
#include "model/families/bert.h"

namespace continuo {

namespace {

Result<ModelSpec> electra(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, bert_spec(p));
  CONTINUO_TRY(const int width, p.count_or("encoder_embedding", 128));
  if (width != spec.d_model) {
    spec.d_embedding = width;
    spec.project_in_bias = true;
  }
  const Json* const classes = p.raw("architectures");
  const bool discriminates = classes && classes->dump().find("PreTraining") != std::string::npos;
  if (discriminates) {
    spec.has_output = spec.output_bias = false;
    spec.output_head.reset();
  }
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
    {Role::embedding_project_in, "*embeddings_project.weight"},
    {Role::embedding_project_in_bias, "*embeddings_project.bias"},
    {Role::output_head, "generator_predictions.dense.weight"},
    {Role::output_head_bias, "generator_predictions.dense.bias"},
    {Role::output_head_norm, "generator_predictions.LayerNorm.weight"},
    {Role::output_head_norm_bias, "generator_predictions.LayerNorm.bias"},
    {Role::output, "generator_lm_head.weight"},
    {Role::output_bias, "generator_lm_head.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"electra.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"*embeddings.position_ids", "discriminator_predictions.dense.weight", "discriminator_predictions.dense.bias",
     "discriminator_predictions.dense_prediction.weight", "discriminator_predictions.dense_prediction.bias"});

}  // namespace

extern const Family kElectra;  // the list's
const Family kElectra = {
    .model_type = "electra",
    .known_as = "ELECTRA",
    .spec = electra,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
