// DistilBERT: BERT without token types, half as deep. Sanh et al. 2019, arXiv:1910.01108.
#include "model/families/bert.h"

namespace continuo {

namespace {

// Its positions stand in the file whether they were learned or computed ("sinusoidal_pos_embds").
Result<ModelSpec> distilbert(const HyperParameters& p) { return bert_spec(p, {.n_token_types = 0}); }

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.word_embeddings.weight"},
    {Role::learned_positions, "*embeddings.position_embeddings.weight"},
    {Role::embedding_norm, "*embeddings.LayerNorm.weight"},
    {Role::embedding_norm_bias, "*embeddings.LayerNorm.bias"},
    {Role::attention_q, "*transformer.layer.#.attention.q_lin.weight"},
    {Role::attention_q_bias, "*transformer.layer.#.attention.q_lin.bias"},
    {Role::attention_k, "*transformer.layer.#.attention.k_lin.weight"},
    {Role::attention_k_bias, "*transformer.layer.#.attention.k_lin.bias"},
    {Role::attention_v, "*transformer.layer.#.attention.v_lin.weight"},
    {Role::attention_v_bias, "*transformer.layer.#.attention.v_lin.bias"},
    {Role::attention_out, "*transformer.layer.#.attention.out_lin.weight"},
    {Role::attention_out_bias, "*transformer.layer.#.attention.out_lin.bias"},
    {Role::mixer_norm, "*transformer.layer.#.sa_layer_norm.weight"},
    {Role::mixer_norm_bias, "*transformer.layer.#.sa_layer_norm.bias"},
    {Role::ffn_up, "*transformer.layer.#.ffn.lin1.weight"},
    {Role::ffn_up_bias, "*transformer.layer.#.ffn.lin1.bias"},
    {Role::ffn_down, "*transformer.layer.#.ffn.lin2.weight"},
    {Role::ffn_down_bias, "*transformer.layer.#.ffn.lin2.bias"},
    {Role::ffn_norm, "*transformer.layer.#.output_layer_norm.weight"},
    {Role::ffn_norm_bias, "*transformer.layer.#.output_layer_norm.bias"},
    {Role::output_head, "vocab_transform.weight"},
    {Role::output_head_bias, "vocab_transform.bias"},
    {Role::output_head_norm, "vocab_layer_norm.weight"},
    {Role::output_head_norm_bias, "vocab_layer_norm.bias"},
    {Role::output, "vocab_projector.weight"},
    {Role::output_bias, "vocab_projector.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"distilbert.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"*embeddings.position_ids"});

}  // namespace

extern const Family kDistilbert;  // the list's
const Family kDistilbert = {
    .model_type = "distilbert",
    .known_as = "DistilBERT",
    .spec = distilbert,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
