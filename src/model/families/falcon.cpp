// Falcon: many query heads to one key head (7B) or to a few (40B, 11B), attention and feed-forward side by
// side; the RefinedWeb models are sequential, have as many key heads as query heads, and ALiBi. Almazrouei et
// al. 2023, arXiv:2311.16867; Penedo et al. 2023, arXiv:2306.01116.
#include <bit>
#include <cstdint>

#include "model/families.h"
#include "model/family_parts.h"
#include "model/gguf_metadata.h"
#include "model/rope_parameters.h"

namespace continuo {

namespace {

// The nearest bfloat16: the reference keeps ALiBi's slopes so.
float to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U);
}

Result<AttentionSpec> attention(const HyperParameters& p, const ModelSpec& spec, bool grouped) {
  CONTINUO_TRY(const bool multi_query, p.flag_or("multi_query", true));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  if (!grouped) mixer.n_kv_heads = multi_query ? 1 : mixer.n_heads;
  mixer.grouped_qkv = true;
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("biases", false));
  mixer.out_bias = mixer.qkv_bias;
  CONTINUO_TRY(const bool alibi, p.flag_or("alibi", false));
  if (alibi) {
    mixer.alibi = AlibiSpec{.slopes = alibi_slopes(mixer.n_heads), .bf16_products = true, .scale = mixer.scale};
    for (float& slope : mixer.alibi->slopes) slope = to_bf16(slope);
  } else {
    CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length));
  }
  return mixer;
}

Result<ModelSpec> falcon(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 2048}));
  CONTINUO_TRY(const bool grouped, p.flag_or("grouped_decoder", false));
  CONTINUO_TRY(const AttentionSpec mixer, attention(p, spec, grouped));
  if (mixer.rope) {
    CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));
  }
  CONTINUO_TRY(const FeedForwardSpec feed,
               plain_feed(p, {.d_ff = 4 * spec.d_model, .gated = false, .bias = mixer.out_bias}, "gelu"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};

  CONTINUO_TRY(const bool parallel, p.flag_or("parallel", true));
  CONTINUO_TRY(const int n_norms, p.count_or("n_parallel_norms", grouped ? 2 : 1, 2));
  if (grouped && !parallel) return p.wrong("parallel", "true with new_decoder_architecture");
  if (!grouped && n_norms == 2) return p.wrong("n_parallel_norms", "1 without new_decoder_architecture");
  LayerSpec layer{.mixer_norm = norm, .mixer = mixer, .ffn = feed};
  if (parallel) layer.order = LayerSpec::Order::parallel;
  if (!parallel || n_norms == 2) layer.ffn_norm = norm;
  CONTINUO_TRY_VOID(fill_layers(p, spec, layer));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*word_embeddings.weight"},
    {Role::mixer_norm, "*h.#.input_layernorm.weight"},
    {Role::mixer_norm, "*h.#.ln_attn.weight"},
    {Role::mixer_norm_bias, "*h.#.input_layernorm.bias"},
    {Role::mixer_norm_bias, "*h.#.ln_attn.bias"},
    {Role::attention_qkv, "*h.#.self_attention.query_key_value.weight"},
    {Role::attention_qkv_bias, "*h.#.self_attention.query_key_value.bias"},
    {Role::attention_out, "*h.#.self_attention.dense.weight"},
    {Role::attention_out_bias, "*h.#.self_attention.dense.bias"},
    {Role::ffn_norm, "*h.#.post_attention_layernorm.weight"},
    {Role::ffn_norm, "*h.#.ln_mlp.weight"},
    {Role::ffn_norm_bias, "*h.#.post_attention_layernorm.bias"},
    {Role::ffn_norm_bias, "*h.#.ln_mlp.bias"},
    {Role::ffn_up, "*h.#.mlp.dense_h_to_4h.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.dense_h_to_4h.bias"},
    {Role::ffn_down, "*h.#.mlp.dense_4h_to_h.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.dense_4h_to_h.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"*h.#.self_attention.rotary_emb.inv_freq"});

constexpr auto kGgufNames = std::to_array<TensorName>({
    {Role::mixer_norm, "blk.#.attn_norm_2.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_norm_2.bias"},
    {Role::mixer_norm, "blk.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_norm.bias"},
    {Role::ffn_norm, "blk.#.attn_norm.weight"},
    {Role::ffn_norm_bias, "blk.#.attn_norm.bias"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  const bool two_norms = gguf_stored(file, 0, "attn_norm_2.weight");
  config["num_kv_heads"] = config.value("num_key_value_heads", Json(1));
  config.erase("num_key_value_heads");
  config["new_decoder_architecture"] = two_norms || config["num_kv_heads"] != 1;
  config["num_ln_in_parallel_attn"] = two_norms ? 2 : 1;
  config["parallel_attn"] = true;
  return {};
}

}  // namespace

extern const Family kFalcon;  // the list's
const Family kFalcon = {
    .model_type = "falcon",
    .known_as = "Falcon 7B, 40B, 11B, RefinedWeb",
    .spec = falcon,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "falcon", .names = kGgufNames, .adapt = adapt_gguf, .fused_qkv = true},
};

}  // namespace continuo
