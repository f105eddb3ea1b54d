// MPT: GPT-2 without any bias and with ALiBi for positions. MosaicML 2023, huggingface.co/mosaicml/mpt-7b.
#include <fmt/format.h>

#include "model/families.h"
#include "model/family_parts.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// "attn_config": what it may say beyond what published models and the reference do is refused.
Result<AttentionSpec> attention(const HyperParameters& top, const ModelSpec& spec) {
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(top, spec));
  CONTINUO_TRY(const HyperParameters p, top.section("attention_section"));
  CONTINUO_TRY(const std::string kind, p.text_or("attention_kind", "multihead_attention"));
  if (kind != "multihead_attention") return p.wrong("attention_kind", "multihead_attention");
  CONTINUO_TRY_VOID(expect_flag(p, "alibi", true, "other positions are not supported for this kind of model"));
  CONTINUO_TRY_VOID(expect_flag(p, "qk_norm", false, "norms of queries and keys are not supported for it"));
  CONTINUO_TRY_VOID(expect_flag(p, "prefix_lm", false, "a prefix that looks ahead is not supported"));
  CONTINUO_TRY(const double scale, p.number_or("attention_scale", mixer.scale, kFactor));
  mixer.scale = static_cast<float>(scale);
  CONTINUO_TRY(const double clip, p.number_or("qkv_clip", 0, kLimit));
  mixer.qkv_clip = static_cast<float>(clip);
  CONTINUO_TRY(const int bits, p.count_or("alibi_bits", 8));
  mixer.alibi = AlibiSpec{.slopes = alibi_slopes(mixer.n_heads, bits)};
  return mixer;
}

Result<ModelSpec> mpt(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               plain_spec(p, {.tied_output = true, .context_length = 2048, .context_name = "trained_length"}));
  CONTINUO_TRY_VOID(expect_flag(p, "no_biases", true, "biases are not supported for this kind of model"));
  CONTINUO_TRY(const bool scaled, p.has("logit_scale"));
  if (scaled) return p.wrong("logit_scale", "null");
  CONTINUO_TRY(const std::string kind, p.text_or("norm_kind", "low_precision_layernorm"));
  if (!kind.ends_with("layernorm")) return p.wrong("norm_kind", "low_precision_layernorm or layernorm");
  CONTINUO_TRY(const AttentionSpec mixer, attention(p, spec));

  CONTINUO_TRY(const int ratio, p.count_or("d_ff_ratio", 4, 64));
  const FeedForwardSpec feed{.d_ff = ratio * spec.d_model, .activation = Activation::gelu_erf, .gated = false};
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps, .bias = false};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::mixer_norm, "*blocks.#.norm_1.weight"},
    {Role::attention_qkv, "*blocks.#.attn.Wqkv.weight"},
    {Role::attention_out, "*blocks.#.attn.out_proj.weight"},
    {Role::ffn_norm, "*blocks.#.norm_2.weight"},
    {Role::ffn_up, "*blocks.#.ffn.up_proj.weight"},
    {Role::ffn_down, "*blocks.#.ffn.down_proj.weight"},
    {Role::final_norm, "*norm_f.weight"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto bias, gguf_number(file, "attention.max_alibi_bias"));
  Json attention = {{"alibi", bias.value_or(0) > 0}};
  if (bias.value_or(0) > 0) attention["alibi_bias_max"] = static_cast<std::int64_t>(std::min(*bias, 1e6));
  if (config.contains("clip_qkv")) attention["clip_qkv"] = config["clip_qkv"];
  config.erase("clip_qkv");
  config["attn_config"] = std::move(attention);
  config["max_seq_len"] = config["max_position_embeddings"];
  const double d_model = config.value("hidden_size", 0.0), d_ff = config.value("intermediate_size", 0.0);
  if (d_model > 0 && d_ff > 0) config["expansion_ratio"] = static_cast<std::int64_t>(std::min(d_ff / d_model, 1e6));
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  const AttentionSpec& attention = *first_attention(spec);
  // The first slope is 2 to the power of -bias / n, n the largest power of two among the heads.
  const double n = std::bit_floor(static_cast<unsigned>(attention.n_heads));
  into.set("attention.max_alibi_bias",
           std::round(-std::log2(static_cast<double>(attention.alibi->slopes.front())) * n));
}

}  // namespace

extern const Family kMpt;  // the list's
const Family kMpt = {
    .model_type = "mpt",
    .known_as = "MPT",
    .spec = mpt,
    .names = {kTensors, kPrefixes, {}},
    .gguf = {.architecture = "mpt", .adapt = adapt_gguf, .fused_qkv = true, .write = write_gguf},
};

}  // namespace continuo
