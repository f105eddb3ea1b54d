// BERT: an encoder that learned to guess masked words from both sides. Devlin et al. 2018, arXiv:1810.04805.
#include "model/families/bert.h"

#include <fmt/format.h>

#include "base/json.h"
#include "model/gguf_metadata.h"

namespace continuo {

Result<bool> guesses_words(const HyperParameters& p) {
  const Json* const classes = p.raw("architectures");
  if (!classes || classes->is_null()) return true;
  if (!classes->is_array()) return model_error(p.file(), "'architectures' is no list, expected names of classes");
  for (const Json& name : *classes) {
    if (!name.is_string()) return model_error(p.file(), "'architectures' holds no name, expected names of classes");
    const auto& text = name.get_ref<const std::string&>();
    if (text.ends_with("MaskedLM") || text.ends_with("PreTraining")) return true;
  }
  return classes->empty();
}

Result<void> count_from_padding(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const int padding, p.index_or("pad_token", 1));
  if (padding + 1 >= spec.context_length) {
    return p.wrong("context_length", fmt::format("more than {}: positions begin behind the padding's", padding + 1));
  }
  spec.context_length -= padding + 1;
  spec.positions = LearnedPositions{.count = spec.context_length, .offset = padding + 1, .skipped = padding};
  return {};
}

Result<ModelSpec> bert_spec(const HyperParameters& p, const BertDefaults& defaults) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 512}));
  CONTINUO_TRY_VOID(expect_flag(p, "is_decoder", false, "an encoder sees both sides"));
  CONTINUO_TRY_VOID(expect_flag(p, "cross_attention", false, "there is no encoder to attend to"));
  CONTINUO_TRY(const std::string positions, p.text_or("position_kind", "absolute"));
  if (positions != "absolute") return p.wrong("position_kind", "absolute");
  spec.positions = LearnedPositions{.count = spec.context_length};
  if (defaults.n_token_types > 0) {
    CONTINUO_TRY(spec.n_token_types, p.count_or("n_token_types", defaults.n_token_types));
  }
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.n_kv_heads = mixer.n_heads;
  mixer.qkv_bias = mixer.out_bias = true;
  mixer.mask = AttentionSpec::Mask::both_sides;
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "gelu"));
  CONTINUO_TRY(const float eps, norm_eps(p, defaults.norm_eps));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(
      p, spec,
      {.order = LayerSpec::Order::post_norm, .mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.embedding_norm = norm;
  spec.sums_before_norm = true;
  CONTINUO_TRY(spec.has_output, guesses_words(p));
  if (spec.has_output) spec.output_head = OutputHeadSpec{.activation = feed.activation, .norm = norm, .bias = true};
  spec.output_bias = spec.has_output;
  return spec;
}

namespace {

Result<ModelSpec> bert(const HyperParameters& p) { return bert_spec(p); }

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
    // Older files.
    {Role::embedding_norm, "*embeddings.LayerNorm.gamma"},
    {Role::embedding_norm_bias, "*embeddings.LayerNorm.beta"},
    {Role::mixer_norm, "*encoder.layer.#.attention.output.LayerNorm.gamma"},
    {Role::mixer_norm_bias, "*encoder.layer.#.attention.output.LayerNorm.beta"},
    {Role::ffn_norm, "*encoder.layer.#.output.LayerNorm.gamma"},
    {Role::ffn_norm_bias, "*encoder.layer.#.output.LayerNorm.beta"},
    {Role::output_head, "cls.predictions.transform.dense.weight"},
    {Role::output_head_bias, "cls.predictions.transform.dense.bias"},
    {Role::output_head_norm, "cls.predictions.transform.LayerNorm.weight"},
    {Role::output_head_norm_bias, "cls.predictions.transform.LayerNorm.bias"},
    {Role::output_head_norm, "cls.predictions.transform.LayerNorm.gamma"},
    {Role::output_head_norm_bias, "cls.predictions.transform.LayerNorm.beta"},
    {Role::output, "cls.predictions.decoder.weight"},
    {Role::output_bias, "cls.predictions.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"bert.", ""});
// What guesses whether a sentence follows another, and copies.
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"*embeddings.position_ids", "*pooler.dense.weight", "*pooler.dense.bias", "cls.seq_relationship.weight",
     "cls.seq_relationship.bias", "cls.predictions.decoder.bias"});

constexpr auto kGgufTensors = std::to_array<TensorName>({
    {Role::token_types, "token_types.weight"},
    {Role::mixer_norm, "blk.#.attn_output_norm.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_output_norm.bias"},
    {Role::ffn_norm, "blk.#.layer_output_norm.weight"},
    {Role::ffn_norm_bias, "blk.#.layer_output_norm.bias"},
});

// The converter leaves out what guesses words. RoBERTa's files have this architecture as well, and no rows for the
// positions that padding takes.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  if (const Json* const causal = gguf_value(file, "attention.causal"); causal && *causal != false) {
    return gguf_wrong(file, "attention.causal", fmt::format("is {}, expected false", shown_json(*causal)),
                      "an encoder sees both sides");
  }
  CONTINUO_TRY(config["type_vocab_size"], gguf_rows(file, "token_types.weight"));
  config["architectures"] = Json::array({"BertModel"});
  return {};
}

}  // namespace

extern const Family kBert;  // the list's
const Family kBert = {
    .model_type = "bert",
    .known_as = "BERT, MiniLM and BGE sentence embedders",
    .spec = bert,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "bert", .names = kGgufTensors, .adapt = adapt_gguf},
};

}  // namespace continuo
