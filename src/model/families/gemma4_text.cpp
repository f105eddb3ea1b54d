// Gemma 4, text only: Gemma 3 with a second embedding that gives each layer an input, values that are normalized,
// longer heads where attention is full, and later layers that look at the keys and values of earlier ones. Gemma team
// 2026.
#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// What a layer's heads are: newer files say it layer by layer, in "per_layer_config", older ones for full attention.
Result<void> set_heads(const HyperParameters& p, ModelSpec& spec, bool values_are_keys) {
  CONTINUO_TRY(const bool by_layer, p.has("layer_overrides"));
  CONTINUO_TRY(const HyperParameters overrides, p.section("layer_overrides"));
  CONTINUO_TRY(const int full_head_dim, p.count_or("full_head_dim", 512));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    AttentionSpec& attention = attention_of(spec.layers[i]);
    if (by_layer) {
      const Json* const values = overrides.raw(std::to_string(i));
      if (!values) continue;
      if (!values->is_object()) return p.wrong("layer_overrides", "an object for each layer that it names");
      for (const auto& [field, value] : values->items()) {
        if (field != "head_dim" && field != "num_key_value_heads")
          return model_error(p.file(), fmt::format("'per_layer_config.{}.{}' is not supported", i, field));
      }
      const HyperParameters own(*values, p.file(), fmt::format("per_layer_config.{}.", i));
      CONTINUO_TRY(attention.head_dim, own.count_or("head_dim", attention.head_dim));
      CONTINUO_TRY(attention.n_kv_heads, own.count_or("n_kv_heads", attention.n_kv_heads));
    } else if (attention.window == 0) {
      attention.head_dim = full_head_dim;
      if (!values_are_keys) continue;
      CONTINUO_TRY(attention.n_kv_heads, p.count_or("full_kv_heads", attention.n_kv_heads));
    }
    if (attention.n_heads % attention.n_kv_heads != 0) {
      return p.wrong("n_heads", fmt::format("a multiple of layer {}'s {} heads of keys", i, attention.n_kv_heads));
    }
  }
  return {};
}

Result<void> set_ropes(const HyperParameters& p, ModelSpec& spec) {
  static const Json defaults = Json::parse(R"({"rope_parameters": {
      "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
      "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6}}})");
  CONTINUO_TRY(const bool stated, p.has("rope_section"));
  const HyperParameters source = stated ? p : HyperParameters(defaults, p.file());
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    CONTINUO_TRY(const RopesByKind ropes,
                 ropes_by_kind(source, attention.head_dim, spec.context_length, {.share_is_free = true}, {}));
    attention.rope = attention.window > 0 ? ropes.sliding : ropes.full;
  }
  return {};
}

// The last layers look at what the last layer of their kind before them remembers.
Result<void> share_keys(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const int shared, p.index_or("shared_kv_layers", 0));
  CONTINUO_TRY(const bool wide, p.flag_or("wide_shared_layers", false));
  const auto n_layers = static_cast<int>(spec.layers.size());
  if (shared >= n_layers) return p.wrong("shared_kv_layers", fmt::format("less than the {} layers", n_layers));
  for (int i = n_layers - shared; i < n_layers; ++i) {
    LayerSpec& layer = spec.layers[static_cast<std::size_t>(i)];
    AttentionSpec& attention = attention_of(layer);
    int source = n_layers - shared - 1;
    while (source >= 0 && attention_of(spec.layers[static_cast<std::size_t>(source)]).window != attention.window)
      --source;
    if (source < 0) return p.wrong("shared_kv_layers", "fewer: there is no layer of each kind before them");
    const AttentionSpec& from = attention_of(spec.layers[static_cast<std::size_t>(source)]);
    if (from.head_dim != attention.head_dim || from.n_kv_heads != attention.n_kv_heads) {
      return p.wrong("shared_kv_layers", "layers whose heads are those of the layer that they look at");
    }
    attention.kv_layer = static_cast<std::size_t>(source);
    attention.values_are_keys = false;
    if (wide) std::get<FeedForwardSpec>(layer.ffn).d_ff *= 2;
  }
  return {};
}

Result<void> set_layer_inputs(const HyperParameters& p, ModelSpec& spec, const NormSpec& norm) {
  CONTINUO_TRY(const int width, p.index_or("layer_input_width", p.is_null("layer_input_width") ? 0 : 256));
  if (width == 0) return {};
  LayerEmbeddingSpec embedding{.width = width, .scale = std::sqrt(static_cast<float>(width)), .norm = norm};
  CONTINUO_TRY(embedding.vocab_size, p.count_or("layer_input_vocab", 262144));
  if (embedding.vocab_size < spec.vocab_size) {
    return p.wrong("layer_input_vocab", fmt::format("at least the vocabulary's {}", spec.vocab_size));
  }
  if (static_cast<std::size_t>(width) * spec.layers.size() > static_cast<std::size_t>(HyperParameters::kLargest)) {
    return p.wrong("layer_input_width", "a sensible width");
  }
  spec.layer_embedding = embedding;
  for (LayerSpec& layer : spec.layers) {
    const Activation activation = std::get<FeedForwardSpec>(layer.ffn).activation;
    layer.layer_input = LayerInputSpec{.width = width, .activation = activation, .norm = norm};
  }
  return {};
}

Result<LayerSpec> plain_layer(const HyperParameters& p, const ModelSpec& spec) {
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec, 256));
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("attention_bias", false));
  mixer.out_bias = mixer.qkv_bias;
  mixer.scale = 1;
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-6));
  const RmsNormSpec norm{.eps = eps};
  mixer.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
  mixer.v_norm = RmsNormSpec{.eps = eps, .weight = false};
  FeedForwardSpec feed;
  CONTINUO_TRY(feed.d_ff, p.count("d_ff", HyperParameters::kLargest / 2));
  CONTINUO_TRY(feed.activation, activation(p, "gelu_pytorch_tanh", "hidden_activation"));
  return LayerSpec{.mixer_norm = norm,
                   .mixer = mixer,
                   .post_mixer_norm = norm,
                   .ffn_norm = norm,
                   .ffn = feed,
                   .post_ffn_norm = norm,
                   .output_scale = true};
}

Result<ModelSpec> gemma4(const HyperParameters& p) {
  CONTINUO_TRY(const std::string sees, p.text_or("bidirectional", "vision"));
  if (std::string_view(sees) != "vision")
    return p.wrong("bidirectional", "vision or null: attention to later tokens is not supported");
  CONTINUO_TRY_VOID(expect_flag(p, "expert_block", false, "experts are not supported for this kind of model"));
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 131072}));
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.d_model));
  CONTINUO_TRY(const LayerSpec layer, plain_layer(p, spec));
  CONTINUO_TRY_VOID(fill_layers(p, spec, layer));
  CONTINUO_TRY(const int window, window_or(p, 512));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int i) { return (i + 1) % 6 != 0; }));
  attention_of(spec.layers.back()).window = 0;  // whatever the file says
  CONTINUO_TRY(const bool values_are_keys, p.flag_or("values_are_keys", false));
  for (LayerSpec& each : spec.layers)
    attention_of(each).values_are_keys = values_are_keys && attention_of(each).window == 0;
  CONTINUO_TRY_VOID(set_heads(p, spec, values_are_keys));
  CONTINUO_TRY_VOID(set_ropes(p, spec));
  CONTINUO_TRY_VOID(share_keys(p, spec));
  spec.final_norm = *layer.mixer_norm;
  CONTINUO_TRY_VOID(set_layer_inputs(p, spec, *layer.mixer_norm));
  CONTINUO_TRY(const double cap, p.number_or("logit_cap", 0, kLimit));
  spec.final_logit_softcap = static_cast<float>(cap);
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::layer_embedding, "*embed_tokens_per_layer.weight"},
    {Role::layer_embedding_project, "*per_layer_model_projection.weight"},
    {Role::layer_embedding_norm, "*per_layer_projection_norm.weight"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::post_mixer_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_norm, "*layers.#.pre_feedforward_layernorm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_feedforward_layernorm.weight"},
    {Role::layer_input_gate, "*layers.#.per_layer_input_gate.weight"},
    {Role::layer_input_projection, "*layers.#.per_layer_projection.weight"},
    {Role::layer_input_norm, "*layers.#.post_per_layer_input_norm.weight"},
    {Role::layer_output_scale, "*layers.#.layer_scalar"},
});
// Layers that look at the keys and values of others have maps of their own in some files, which nothing uses.
constexpr auto kIgnored =
    std::to_array<std::string_view>({"*layers.#.self_attn.k_proj.weight", "*layers.#.self_attn.v_proj.weight",
                                     "*layers.#.self_attn.k_norm.weight", "*layers.#.self_attn.v_norm.weight"});

constexpr auto kGgufNames = std::to_array<TensorName>({
    {Role::layer_embedding, "per_layer_token_embd.weight"},
    {Role::layer_embedding_project, "per_layer_model_proj.weight"},
    {Role::layer_embedding_norm, "per_layer_proj_norm.weight"},
    {Role::layer_input_gate, "blk.#.inp_gate.weight"},
    {Role::layer_input_projection, "blk.#.proj.weight"},
    {Role::layer_input_norm, "blk.#.post_norm.weight"},
    {Role::layer_output_scale, "blk.#.layer_output_scale.weight"},
});

// Positions of layers with full attention: the first pairs turn, the others have a divisor like infinity.
Result<Json> full_rope(const Checkpoint& file, const Json& config) {
  Json rope = {{"rope_type", "proportional"}, {"rope_theta", config["rope_theta"]}};
  const Json* const factors = config.contains("rope_scaling") ? &config["rope_scaling"]["long_factor"] : nullptr;
  if (!factors || !factors->is_array())
    return model_error(file.name, "tensor 'rope_freqs.weight' is missing", "such models are not supported");
  std::size_t turned = 0;
  while (turned < factors->size() && (*factors)[turned] == 1.0f) ++turned;
  constexpr float kNeverTurns = 1e30f;
  for (std::size_t i = turned; i < factors->size(); ++i) {
    if ((*factors)[i].get<float>() != kNeverTurns)
      return model_error(file.name, "tensor 'rope_freqs.weight' is not of ones and of 1e30 behind them",
                         "such models are not supported");
  }
  rope["partial_rotary_factor"] = static_cast<double>(turned) / static_cast<double>(factors->size());
  return rope;
}

// Widths and heads of each layer, by what the family calls them.
Result<void> adapt_gguf_layers(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const std::vector<int> widths, gguf_by_layer(file, "feed_forward_length"));
  CONTINUO_TRY(const std::vector<int> heads, gguf_by_layer(file, "attention.head_count_kv"));
  const std::size_t shared = std::min(config["num_kv_shared_layers"].get<std::size_t>(), widths.size());
  const std::size_t own = widths.size() - shared;
  config["intermediate_size"] = widths.front();
  config["use_double_wide_mlp"] = widths.back() != widths.front();
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const bool wide = i >= own && widths.back() != widths.front();
    if (widths[i] != widths.front() * (wide ? 2 : 1))
      return gguf_wrong(file, "feed_forward_length", "is of no model of this kind", "such models are not supported");
  }
  config["num_key_value_heads"] = std::max(heads.front(), 1);
  const Json& types = config["layer_types"];
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const bool full = i < types.size() && types[i] == "full_attention";
    config["per_layer_config"][std::to_string(i)] = {
        {"head_dim", full ? config["global_head_dim"] : config["head_dim"]}, {"num_key_value_heads", heads[i]}};
  }
  return {};
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  gguf_copy_layer_types(file, config);
  CONTINUO_TRY(config["global_head_dim"], gguf_whole(file, "attention.key_length"));
  CONTINUO_TRY(config["head_dim"], gguf_whole(file, "attention.key_length_swa"));
  CONTINUO_TRY(const int values, gguf_whole(file, "attention.value_length"));
  CONTINUO_TRY(const int window_values, gguf_whole(file, "attention.value_length_swa"));
  CONTINUO_TRY(const int turned, gguf_whole(file, "rope.dimension_count_swa"));
  if (config["global_head_dim"] != values || config["head_dim"] != window_values || config["head_dim"] != turned)
    return gguf_wrong(file, "attention.value_length", "is not the length of keys", "such models are not supported");
  CONTINUO_TRY(config["num_kv_shared_layers"], gguf_whole(file, "attention.shared_kv_layers", 0));
  CONTINUO_TRY(config["hidden_size_per_layer_input"], gguf_whole(file, "embedding_length_per_layer_input", 0));
  if (config["hidden_size_per_layer_input"] != 0) {
    CONTINUO_TRY(config["vocab_size_per_layer_input"], gguf_rows(file, "per_layer_token_embd.weight"));
  }
  CONTINUO_TRY_VOID(adapt_gguf_layers(file, config));
  CONTINUO_TRY(const auto theta, gguf_number(file, "rope.freq_base_swa"));
  CONTINUO_TRY(Json full, full_rope(file, config));
  config["rope_parameters"] = {{"full_attention", std::move(full)},
                               {"sliding_attention", {{"rope_theta", theta.value_or(1e4)}}}};
  for (const char* field : {"rope_scaling", "rope_theta", "partial_rotary_factor"}) config.erase(field);
  bool values_are_keys = false;
  for (std::size_t i = 0; i < config["layer_types"].size(); ++i)
    values_are_keys =
        values_are_keys || (gguf_stored(file, i, "attn_k.weight") && !gguf_stored(file, i, "attn_v.weight"));
  config["attention_k_eq_v"] = values_are_keys;
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  set_window_pattern(spec, into);
  std::vector<std::int32_t> heads;
  int shared = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& attention = *attention_in(layer.mixer);
    heads.push_back(attention.n_kv_heads);
    shared += attention.kv_layer.has_value();
    const bool window = attention.window > 0;
    into.set(window ? "attention.key_length_swa" : "attention.key_length", attention.head_dim);
    into.set(window ? "attention.value_length_swa" : "attention.value_length", attention.head_dim);
    into.set(window ? "rope.dimension_count_swa" : "rope.dimension_count", attention.head_dim);
  }
  into.set_by_layer("attention.head_count_kv", heads);
  into.set("attention.shared_kv_layers", shared);
  into.set("embedding_length_per_layer_input", spec.layer_embedding ? spec.layer_embedding->width : 0);
}

}  // namespace

extern const Family kGemma4;  // the list's
const Family kGemma4 = {
    .model_type = "gemma4_text",
    .known_as = "Gemma 4 (text)",
    .spec = gemma4,
    .names = {kTensors, kLlamaPrefixes, kIgnored},
    .gguf = {.architecture = "gemma4", .names = kGgufNames, .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
