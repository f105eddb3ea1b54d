// OpenELM: Llama whose layers have numbers of heads and widths of their own. Mehta et al. 2024, arXiv:2404.14619.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "model/families.h"
#include "model/family_parts.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// The multiple of `divisor` nearest to `width`, and at least nine tenths of it.
int divisible_width(double width, int divisor) {
  const int nearest = static_cast<int>(width + divisor / 2.0) / divisor * divisor;
  const int rounded = std::max(divisor, nearest);
  return rounded < 0.9 * width ? rounded + divisor : rounded;
}

// A number for each layer.
Result<std::vector<int>> per_layer(const HyperParameters& p, std::string_view name, std::size_t n_layers) {
  CONTINUO_TRY(const std::vector<int> list, p.indices(name));
  if (list.size() != n_layers) return p.wrong(name, fmt::format("a list of {} numbers", n_layers));
  return list;
}

Result<void> set_layer(const HyperParameters& p, LayerSpec& layer, int n_heads, int n_kv_heads) {
  AttentionSpec& attention = attention_of(layer);
  if (n_heads < 1 || n_heads > kMaxHeads) return p.wrong("layer_heads", fmt::format("numbers from 1 to {}", kMaxHeads));
  if (n_kv_heads < 1 || n_heads % n_kv_heads != 0)
    return p.wrong("layer_kv_heads", "divisors of the numbers of query heads");
  attention.n_heads = n_heads;
  attention.n_kv_heads = n_kv_heads;
  return {};
}

Result<AttentionSpec> attention_without_heads(const HyperParameters& p, const RmsNormSpec& norm) {
  AttentionSpec attention;
  CONTINUO_TRY(attention.head_dim, p.count("head_dim"));
  if (attention.head_dim % 2 != 0) return p.wrong("head_dim", "an even number: rotary positions turn pairs");
  attention.scale = 1 / std::sqrt(static_cast<float>(attention.head_dim));
  CONTINUO_TRY(const double theta, p.number_or("rope_constant", 10000, kFromOne));
  attention.rope = RopeSpec{.rotary_dim = attention.head_dim, .theta = theta, .scaling = {}};
  CONTINUO_TRY(const bool qk_norm, p.flag_or("qk_norm", false));
  if (qk_norm) attention.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
  return attention;
}

Result<ModelSpec> openelm(const HyperParameters& p) {
  CONTINUO_TRY_VOID(expect_flag(p, "glu", true, "ungated networks are not supported for this kind of model"));
  CONTINUO_TRY(const std::string norm_layer, p.text_or("norm_layer", "rms_norm"));
  if (std::string_view(norm_layer) != "rms_norm") return p.wrong("norm_layer", "rms_norm");
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 2048, .context_name = "max_context_length"}));
  CONTINUO_TRY(spec.tied_output, p.flag_or("shared_output", false));
  const RmsNormSpec norm{.eps = 1e-6f};
  CONTINUO_TRY(const AttentionSpec attention, attention_without_heads(p, norm));
  FeedForwardSpec feed;
  CONTINUO_TRY(feed.activation, activation(p, "swish", "glu_activation"));
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = attention, .ffn_norm = norm, .ffn = feed}));
  const std::size_t n_layers = spec.layers.size();
  CONTINUO_TRY(const std::vector<int> heads, per_layer(p, "layer_heads", n_layers));
  CONTINUO_TRY(const std::vector<int> kv_heads, per_layer(p, "layer_kv_heads", n_layers));
  CONTINUO_TRY(const std::vector<float> factors, p.numbers("layer_d_ff_factors", n_layers, kFactor));
  CONTINUO_TRY(const int divisor, p.count_or("d_ff_divisor", 256));
  for (std::size_t i = 0; i < n_layers; ++i) {
    CONTINUO_TRY_VOID(set_layer(p, spec.layers[i], heads[i], kv_heads[i]));
    const double width = static_cast<double>(factors[i]) * spec.d_model;
    if (width > HyperParameters::kLargest) return p.wrong("layer_d_ff_factors", "factors that give a sensible width");
    std::get<FeedForwardSpec>(spec.layers[i].ffn).d_ff = divisible_width(width, divisor);
  }
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*token_embeddings.weight"},
    {Role::mixer_norm, "*layers.#.attn_norm.weight"},
    {Role::attention_qkv, "*layers.#.attn.qkv_proj.weight"},
    {Role::attention_q_norm, "*layers.#.attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.attn.k_norm.weight"},
    {Role::attention_out, "*layers.#.attn.out_proj.weight"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::ffn_gate_up, "*layers.#.ffn.proj_1.weight"},
    {Role::ffn_down, "*layers.#.ffn.proj_2.weight"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});

// A number for each layer, whether the file has a list or one for all.
Result<Json> listed(const Checkpoint& file, std::string_view key, std::size_t n_layers) {
  const Json* const value = gguf_value(file, key);
  if (!value) return gguf_wrong(file, key, "is missing");
  return value->is_array() ? *value : Json(std::vector<Json>(n_layers, *value));
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  const auto stated = static_cast<std::int64_t>(config.value("num_hidden_layers", 0.0));
  const auto n_layers = static_cast<std::size_t>(std::clamp<std::int64_t>(stated, 0, kMaxLayers));
  CONTINUO_TRY(const auto value_length, gguf_number(file, "attention.value_length"));
  if (value_length && config.value("head_dim", 0.0) != *value_length) {
    return gguf_wrong(file, "attention.value_length", "is not the length of keys", "such models are not supported");
  }
  CONTINUO_TRY(config["num_query_heads"], listed(file, "attention.head_count", n_layers));
  CONTINUO_TRY(Json kv_heads, listed(file, "attention.head_count_kv", n_layers));
  CONTINUO_TRY(const Json widths, listed(file, "feed_forward_length", n_layers));
  for (const char* field : {"num_attention_heads", "num_key_value_heads", "intermediate_size"}) config[field] = nullptr;
  config["num_kv_heads"] = std::move(kv_heads);
  config["ffn_dim_divisor"] = 1;
  const double d_model = std::max(config.value("hidden_size", 1.0), 1.0);
  config["ffn_multipliers"] = Json::array();
  for (const Json& width : widths)
    config["ffn_multipliers"].push_back(width.is_number() ? width.get<double>() / d_model : 0.0);
  config["max_context_length"] = config["max_position_embeddings"];
  config["share_input_output_layers"] = config["tie_word_embeddings"];
  if (config.contains("rope_theta")) config["rope_freq_constant"] = config["rope_theta"];
  config["normalize_qk_projections"] = gguf_stored(file, 0, "attn_q_norm.weight");
  return {};
}

}  // namespace

extern const Family kOpenelm;  // the list's
const Family kOpenelm = {
    .model_type = "openelm",
    .known_as = "OpenELM",
    .spec = openelm,
    .names = {kTensors, kPrefixes, {}},
    .gguf = {.architecture = "openelm", .adapt = adapt_gguf, .fused_qkv = true},
};

}  // namespace continuo
