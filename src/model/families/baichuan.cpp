// Baichuan: Llama whose queries, keys and values are made by one matrix; the 13B model has ALiBi for rotary positions,
// and its files no "max_position_embeddings". Yang et al. 2023, arXiv:2309.10305.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// Baichuan 2 divides each row of its output matrix by its length.
constexpr int kVocabularyOfBaichuan2 = 125696;

Result<ModelSpec> baichuan(const HyperParameters& p) {
  CONTINUO_TRY_VOID(expect_flag(p, "attention_bias", false, "biases are not supported for this kind of model"));
  CONTINUO_TRY(const bool turned, p.has("context_length"));
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_name = turned ? "context_length" : "model_max_length"},
                                              .ropes_differ = !turned}));
  if (spec.vocab_size == kVocabularyOfBaichuan2) {
    return p.wrong("vocab_size", "the one of Baichuan 1: the normalized output of Baichuan 2 is not supported");
  }
  if (turned) return spec;
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.alibi = AlibiSpec{.slopes = alibi_slopes(attention.n_heads)};
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::attention_qkv, "*layers.#.self_attn.W_pack.weight"},
    {Role::attention_out, "*layers.#.self_attn.o_proj.weight"},
    {Role::ffn_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.mlp.gate_proj.weight"},
    {Role::ffn_up, "*layers.#.mlp.up_proj.weight"},
    {Role::ffn_down, "*layers.#.mlp.down_proj.weight"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "lm_head.weight"},
});

// The 13B model is the one with 40 layers.
Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  if (config["num_hidden_layers"] == 40) {
    config["model_max_length"] = config["max_position_embeddings"];
    config.erase("max_position_embeddings");
  }
  return {};
}

}  // namespace

extern const Family kBaichuan;  // the list's
const Family kBaichuan = {
    .model_type = "baichuan",
    .known_as = "Baichuan 7B, 13B",
    .spec = baichuan,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "baichuan", .paired_heads = true, .adapt = adapt_gguf},
};

}  // namespace continuo
