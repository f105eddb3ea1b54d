// RWKV-7 (Goose), as flash-linear-attention names it: a delta rule with a learning rate for each channel. Peng et al.
// 2025, arXiv:2503.14456.
#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "model/families/rwkv.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// The reference's default ranks, which follow from width and head size.
int rank_of(double factor, double exponent, int d_model, int head_dim) {
  const double scaled = factor * std::pow(d_model, exponent) * std::sqrt(head_dim / 64.0) / 32;
  return std::max(32, static_cast<int>(std::round(scaled)) * 32);
}

Result<void> set_ranks(const HyperParameters& p, RwkvSpec& spec) {
  const int d = spec.d_model, n = spec.head_dim;
  CONTINUO_TRY(spec.decay_rank, p.count_or("rwkv_decay_rank", rank_of(2.5, 0.5, d, n)));
  CONTINUO_TRY(spec.learning_rank, p.count_or("rwkv_learning_rank", rank_of(2.5, 0.5, d, n)));
  CONTINUO_TRY(spec.value_rank, p.count_or("rwkv_value_rank", rank_of(1.7, 0.5, d, n)));
  CONTINUO_TRY(spec.gate_rank, p.count_or("rwkv_gate_rank", rank_of(5, 0.5, d, n)));
  return {};
}

// Width of all heads' values: one number, or one a layer, which must be the same as all mix in the first layer's.
Result<int> value_width(const HyperParameters& p, const ModelSpec& spec) {
  const Json* const stated = p.raw("value_dim");
  if (!stated || !stated->is_array())
    return p.count_or("rwkv_value_width", spec.d_model, HyperParameters::kLargest / 4);
  CONTINUO_TRY(const std::vector<float> widths, p.numbers("rwkv_value_width", spec.layers.size(), kFromOne));
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] != widths[0]) return p.wrong_item("rwkv_value_width", i, "the width of the first layer's values");
    if (widths[i] > HyperParameters::kLargest / 4 || widths[i] != std::floor(widths[i]))
      return p.wrong_item("rwkv_value_width", i, "a whole number, and no larger than any model has");
  }
  return static_cast<int>(widths[0]);
}

// Layers of attention among RWKV's: "attn" says which, and what they are like.
Result<void> set_attention(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const bool stated, p.has("attention_section"));
  if (!stated) return {};
  CONTINUO_TRY(const HyperParameters section, p.section("attention_section"));
  AttentionSpec attention;
  CONTINUO_TRY(attention.n_heads, section.count("n_heads", kMaxHeads));
  CONTINUO_TRY(attention.n_kv_heads, section.count_or("n_kv_heads", attention.n_heads, kMaxHeads));
  if (attention.n_heads % attention.n_kv_heads != 0)
    return section.wrong("n_kv_heads", fmt::format("a divisor of the {} heads", attention.n_heads));
  if (spec.d_model % attention.n_heads != 0)
    return section.wrong("n_heads", fmt::format("a divisor of the model's width {}", spec.d_model));
  attention.head_dim = spec.d_model / attention.n_heads;
  if (attention.head_dim % 2 != 0) return section.wrong("n_heads", "heads of an even size, which turn in pairs");
  attention.scale = static_cast<float>(1 / std::sqrt(attention.head_dim));
  CONTINUO_TRY(attention.qkv_bias, section.flag_or("qkv_bias", false));
  CONTINUO_TRY(attention.window, window_or(section, 0));
  RopeSpec rope{.rotary_dim = attention.head_dim};
  CONTINUO_TRY(rope.theta, section.number_or("rope_theta", 10000, kAboveZero));
  attention.rope = rope;
  CONTINUO_TRY(const std::vector<int> layers, section.indices("listed_layers"));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto layer = static_cast<std::size_t>(layers[i]);
    if (layer == 0 || layer >= spec.layers.size())
      return section.wrong_item("listed_layers", i,
                                "the index of a layer after the first, whose values the others mix in");
    spec.layers[layer].mixer = attention;
  }
  return {};
}

Result<void> refuse_options(const HyperParameters& p) {
  CONTINUO_TRY(const std::string activation, p.text_or("activation", "sqrelu"));
  if (activation != "sqrelu") return p.wrong("activation", "sqrelu");
  CONTINUO_TRY_VOID(expect_flag(p, "norm_bias", true, "norms without a bias are not supported"));
  CONTINUO_TRY_VOID(expect_flag(p, "norm_first", true, "a network without a norm of its embeddings is not supported"));
  return {};
}

Result<ModelSpec> rwkv7(const HyperParameters& p) {
  CONTINUO_TRY_VOID(refuse_options(p));
  CONTINUO_TRY(ModelSpec spec, rwkv_spec(p));
  if (spec.d_model > HyperParameters::kLargest / 4) return p.wrong("d_model", "a smaller width");
  RwkvSpec mixer{.version = 7, .d_model = spec.d_model};
  CONTINUO_TRY_VOID(set_rwkv_heads(p, 64, mixer));
  CONTINUO_TRY(const int values, value_width(p, spec));
  if (values % mixer.n_heads != 0)
    return p.wrong("rwkv_value_width", fmt::format("a multiple of the {} heads", mixer.n_heads));
  mixer.value_dim = values / mixer.n_heads;
  CONTINUO_TRY_VOID(set_ranks(p, mixer));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  mixer.norm_eps = eps * static_cast<float>(mixer.head_dim);
  CONTINUO_TRY(const double ratio, p.number_or("hidden_ratio", 4, kFactor));
  if (ratio * spec.d_model > HyperParameters::kLargest) return p.wrong("hidden_ratio", "a smaller ratio");
  const int wide = static_cast<int>(spec.d_model * ratio);
  CONTINUO_TRY(const int d_ff, rwkv_d_ff(p, 32 * ((wide + 31) / 32)));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    mixer.first_layer = i == 0;
    spec.layers[i].mixer = mixer;
    spec.layers[i].ffn = ChannelMixSpec{.version = 7, .d_model = spec.d_model, .d_ff = d_ff, .receptance = false};
  }
  CONTINUO_TRY_VOID(set_attention(p, spec));
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.weight"},
    {Role::embedding_norm, "*layers.0.pre_norm.weight"},
    {Role::embedding_norm_bias, "*layers.0.pre_norm.bias"},
    {Role::mixer_norm, "*layers.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "*layers.#.attn_norm.bias"},
    {Role::attention_q, "*layers.#.attn.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.attn.q_proj.bias"},
    {Role::attention_k, "*layers.#.attn.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.attn.k_proj.bias"},
    {Role::attention_v, "*layers.#.attn.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.attn.v_proj.bias"},
    {Role::attention_out, "*layers.#.attn.o_proj.weight"},
    {Role::rwkv_mix_r, "*layers.#.attn.x_r"},
    {Role::rwkv_mix_w, "*layers.#.attn.x_w"},
    {Role::rwkv_mix_k, "*layers.#.attn.x_k"},
    {Role::rwkv_mix_v, "*layers.#.attn.x_v"},
    {Role::rwkv_mix_a, "*layers.#.attn.x_a"},
    {Role::rwkv_mix_g, "*layers.#.attn.x_g"},
    {Role::rwkv_key_scale, "*layers.#.attn.k_k"},
    {Role::rwkv_key_learning, "*layers.#.attn.k_a"},
    {Role::rwkv_first, "*layers.#.attn.r_k"},
    {Role::rwkv_decay_1, "*layers.#.attn.w_lora.lora.0.weight"},
    {Role::rwkv_decay_2, "*layers.#.attn.w_lora.lora.2.weight"},
    {Role::rwkv_decay, "*layers.#.attn.w_lora.lora.2.bias"},
    {Role::rwkv_learning_1, "*layers.#.attn.a_lora.lora.0.weight"},
    {Role::rwkv_learning_2, "*layers.#.attn.a_lora.lora.2.weight"},
    {Role::rwkv_learning, "*layers.#.attn.a_lora.lora.2.bias"},
    {Role::rwkv_value_1, "*layers.#.attn.v_lora.lora.0.weight"},
    {Role::rwkv_value_2, "*layers.#.attn.v_lora.lora.2.weight"},
    {Role::rwkv_value_mix, "*layers.#.attn.v_lora.lora.2.bias"},
    {Role::rwkv_gate_1, "*layers.#.attn.g_lora.lora.0.weight"},
    {Role::rwkv_gate_2, "*layers.#.attn.g_lora.lora.2.weight"},
    {Role::rwkv_receptance, "*layers.#.attn.r_proj.weight"},
    {Role::rwkv_key, "*layers.#.attn.k_proj.weight"},
    {Role::rwkv_value, "*layers.#.attn.v_proj.weight"},
    {Role::rwkv_out, "*layers.#.attn.o_proj.weight"},
    {Role::rwkv_norm, "*layers.#.attn.g_norm.weight"},
    {Role::rwkv_norm_bias, "*layers.#.attn.g_norm.bias"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::ffn_norm_bias, "*layers.#.ffn_norm.bias"},
    {Role::channel_mix_k, "*layers.#.ffn.x_k"},
    {Role::channel_key, "*layers.#.ffn.key.weight"},
    {Role::channel_value, "*layers.#.ffn.value.weight"},
    {Role::final_norm, "*norm.weight"},
    {Role::final_norm_bias, "*norm.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", ""});

constexpr auto kGgufNames = std::to_array<TensorName>({
    {Role::ffn_norm, "blk.#.attn_norm_2.weight"},
    {Role::ffn_norm_bias, "blk.#.attn_norm_2.bias"},
    {Role::rwkv_mix_fused, "blk.#.time_mix_lerp_fused.weight"},
    {Role::rwkv_decay, "blk.#.time_mix_w0.weight"},
    {Role::rwkv_decay_1, "blk.#.time_mix_w1.weight"},
    {Role::rwkv_decay_2, "blk.#.time_mix_w2.weight"},
    {Role::rwkv_learning, "blk.#.time_mix_a0.weight"},
    {Role::rwkv_learning_1, "blk.#.time_mix_a1.weight"},
    {Role::rwkv_learning_2, "blk.#.time_mix_a2.weight"},
    {Role::rwkv_value_mix, "blk.#.time_mix_v0.weight"},
    {Role::rwkv_value_1, "blk.#.time_mix_v1.weight"},
    {Role::rwkv_value_2, "blk.#.time_mix_v2.weight"},
    {Role::rwkv_gate_1, "blk.#.time_mix_g1.weight"},
    {Role::rwkv_gate_2, "blk.#.time_mix_g2.weight"},
    {Role::rwkv_key_scale, "blk.#.time_mix_k_k.weight"},
    {Role::rwkv_key_learning, "blk.#.time_mix_k_a.weight"},
    {Role::rwkv_first, "blk.#.time_mix_r_k.weight"},
    {Role::rwkv_receptance, "blk.#.time_mix_receptance.weight"},
    {Role::rwkv_key, "blk.#.time_mix_key.weight"},
    {Role::rwkv_value, "blk.#.time_mix_value.weight"},
    {Role::rwkv_out, "blk.#.time_mix_output.weight"},
    {Role::rwkv_norm, "blk.#.time_mix_ln.weight"},
    {Role::rwkv_norm_bias, "blk.#.time_mix_ln.bias"},
    {Role::channel_mix_k, "blk.#.channel_mix_lerp_k.weight"},
    {Role::channel_key, "blk.#.channel_mix_key.weight"},
    {Role::channel_value, "blk.#.channel_mix_value.weight"},
});

// Ranks are those of the tensors: not all converters count them alike.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  config.erase("head_dim");
  CONTINUO_TRY(config["head_size"], gguf_whole(file, "wkv.head_size"));
  CONTINUO_TRY(config["decay_low_rank_dim"], gguf_rows(file, "blk.0.time_mix_w1.weight"));
  CONTINUO_TRY(config["a_low_rank_dim"], gguf_rows(file, "blk.0.time_mix_a1.weight"));
  CONTINUO_TRY(config["gate_low_rank_dim"], gguf_rows(file, "blk.0.time_mix_g1.weight"));
  if (gguf_stored(file, 1, "time_mix_v1.weight")) {
    CONTINUO_TRY(config["v_low_rank_dim"], gguf_rows(file, "blk.1.time_mix_v1.weight"));
  }
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  for (const LayerSpec& layer : spec.layers) {
    const auto* const mixer = std::get_if<RwkvSpec>(&layer.mixer);
    if (!mixer) continue;
    into.set("attention.decay_lora_rank", mixer->decay_rank);
    into.set("attention.iclr_lora_rank", mixer->learning_rank);
    into.set("attention.value_residual_mix_lora_rank", mixer->value_rank);
    into.set("attention.gate_lora_rank", mixer->gate_rank);
  }
}

}  // namespace

extern const Family kRwkv7;  // the list's
const Family kRwkv7 = {
    .model_type = "rwkv7",
    .known_as = "RWKV-7 (Goose)",
    .spec = rwkv7,
    .names = {kTensors, kPrefixes, {}},
    .gguf = {.architecture = "rwkv7", .names = kGgufNames, .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
