// GPT-NeoX (Pythia): attention and feed-forward of the same hidden state side by side, a part of each head
// turned. Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373.
#include "model/families.h"
#include "model/family_parts.h"
#include "model/rope_parameters.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> gpt_neox(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {}));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.grouped_qkv = true;
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("attention_bias", true));
  mixer.out_bias = mixer.qkv_bias;
  CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length, {.share = 0.25, .share_is_free = true}));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));

  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {.gated = false, .bias = true}, "gelu"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY(const bool parallel, p.flag_or("parallel", true));
  CONTINUO_TRY_VOID(fill_layers(p, spec,
                                {.order = parallel ? LayerSpec::Order::parallel : LayerSpec::Order::sequential,
                                 .mixer_norm = norm,
                                 .mixer = mixer,
                                 .ffn_norm = norm,
                                 .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_in.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::attention_qkv, "*layers.#.attention.query_key_value.weight"},
    {Role::attention_qkv_bias, "*layers.#.attention.query_key_value.bias"},
    {Role::attention_out, "*layers.#.attention.dense.weight"},
    {Role::attention_out_bias, "*layers.#.attention.dense.bias"},
    {Role::ffn_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::ffn_up, "*layers.#.mlp.dense_h_to_4h.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp.dense_h_to_4h.bias"},
    {Role::ffn_down, "*layers.#.mlp.dense_4h_to_h.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.dense_4h_to_h.bias"},
    {Role::final_norm, "*final_layer_norm.weight"},
    {Role::final_norm_bias, "*final_layer_norm.bias"},
    {Role::output, "embed_out.weight"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"gpt_neox.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"*layers.#.attention.bias", "*layers.#.attention.masked_bias", "*layers.#.attention.rotary_emb.inv_freq"});

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("use_parallel_residual", spec.layers.front().order == LayerSpec::Order::parallel);
}

}  // namespace

extern const Family kGptNeox;  // the list's
const Family kGptNeox = {
    .model_type = "gpt_neox",
    .known_as = "GPT-NeoX, Pythia, Dolly 2, RedPajama, StableLM Alpha",
    .spec = gpt_neox,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "gptneox", .fused_qkv = true, .write = write_gguf},
};

}  // namespace continuo
