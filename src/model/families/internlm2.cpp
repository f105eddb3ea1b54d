// InternLM2: Llama whose queries, keys and values are made by one matrix, group after group of heads that share keys.
// Cai et al. 2024, arXiv:2403.17297.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> internlm2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  CONTINUO_TRY(const bool bias, p.flag_or("biases", true));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.grouped_qkv = true;
    attention.qkv_bias = attention.out_bias = bias;
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*tok_embeddings.weight"},
    {Role::mixer_norm, "*layers.#.attention_norm.weight"},
    {Role::attention_qkv, "*layers.#.attention.wqkv.weight"},
    {Role::attention_qkv_bias, "*layers.#.attention.wqkv.bias"},
    {Role::attention_out, "*layers.#.attention.wo.weight"},
    {Role::attention_out_bias, "*layers.#.attention.wo.bias"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.w1.weight"},
    {Role::ffn_up, "*layers.#.feed_forward.w3.weight"},
    {Role::ffn_down, "*layers.#.feed_forward.w2.weight"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "output.weight"},
});

}  // namespace

extern const Family kInternlm2;  // the list's
const Family kInternlm2 = {
    .model_type = "internlm2",
    .known_as = "InternLM2, InternLM2.5",
    .spec = internlm2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "internlm2", .paired_heads = true},
};

}  // namespace continuo
