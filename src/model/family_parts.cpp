#include "model/family_parts.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

#include "base/json.h"

namespace continuo {

namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};

// gelu_fast and gelu_accurate differ from gelu_new in how they are written down, not in their value.
constexpr std::array<ActivationName, 12> kActivations = {{
    {"silu", Activation::silu},
    {"swish", Activation::silu},
    {"gelu", Activation::gelu_erf},
    {"gelu_python", Activation::gelu_erf},
    {"gelu_new", Activation::gelu_tanh},
    {"gelu_fast", Activation::gelu_tanh},
    {"gelu_accurate", Activation::gelu_tanh},
    {"gelu_pytorch_tanh", Activation::gelu_tanh},
    {"gelu_python_tanh", Activation::gelu_tanh},
    {"quick_gelu", Activation::gelu_quick},
    {"relu", Activation::relu},
    {"relu2", Activation::relu_squared},
}};

}  // namespace

Result<Activation> activation(const HyperParameters& parameters, std::string fallback, std::string_view name) {
  CONTINUO_TRY(const std::string stated, parameters.text_or(name, std::move(fallback)));
  std::string known;
  for (const ActivationName& row : kActivations) {
    if (row.name == stated) return row.activation;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  return parameters.wrong(name, "one of " + known);
}

Result<ModelSpec> plain_spec(const HyperParameters& parameters, const PlainDefaults& defaults) {
  ModelSpec spec;
  CONTINUO_TRY(spec.vocab_size, parameters.count("vocab_size"));
  CONTINUO_TRY(spec.d_model, parameters.count("d_model"));
  CONTINUO_TRY(spec.context_length, defaults.context_length > 0
                                        ? parameters.count_or(defaults.context_name, defaults.context_length)
                                        : parameters.count(defaults.context_name));
  CONTINUO_TRY(spec.tied_output, parameters.flag_or("tied_output", defaults.tied_output));
  return spec;
}

Result<int> even_head_dim(const HyperParameters& parameters, int d_model, int n_heads) {
  if (d_model % n_heads != 0) {
    return parameters.wrong("n_heads", fmt::format("a divisor of the model's width {}", d_model));
  }
  return d_model / n_heads;
}

Result<AttentionSpec> plain_attention(const HyperParameters& parameters, const ModelSpec& model, int head_dim) {
  AttentionSpec spec;
  CONTINUO_TRY(spec.n_heads, parameters.count("n_heads", kMaxHeads));
  CONTINUO_TRY(spec.n_kv_heads, parameters.count_or("n_kv_heads", spec.n_heads));
  if (spec.n_heads % spec.n_kv_heads != 0)
    return parameters.wrong("n_kv_heads", fmt::format("a divisor of {}", spec.n_heads));
  CONTINUO_TRY(const bool stated, parameters.has("head_dim"));
  if (stated || (head_dim > 0 && !parameters.is_null("head_dim"))) {
    CONTINUO_TRY(spec.head_dim, parameters.count_or("head_dim", head_dim));
  } else {
    CONTINUO_TRY(spec.head_dim, even_head_dim(parameters, model.d_model, spec.n_heads));
  }
  spec.scale = 1 / std::sqrt(static_cast<float>(spec.head_dim));
  return spec;
}

Result<FeedForwardSpec> plain_feed(const HyperParameters& parameters, FeedForwardSpec feed, std::string name) {
  CONTINUO_TRY(feed.d_ff, feed.d_ff > 0 ? parameters.count_or("d_ff", feed.d_ff) : parameters.count("d_ff"));
  CONTINUO_TRY(feed.activation, activation(parameters, std::move(name)));
  return feed;
}

Result<float> norm_eps(const HyperParameters& parameters, double fallback) {
  CONTINUO_TRY(const double eps, parameters.number_or("norm_eps", fallback, kZeroToOne));
  return static_cast<float>(eps);
}

Result<void> fill_layers(const HyperParameters& parameters, ModelSpec& spec, const LayerSpec& layer) {
  CONTINUO_TRY(const int n_layers, parameters.count("n_layers", kMaxLayers));
  spec.layers.assign(static_cast<std::size_t>(n_layers), layer);
  return {};
}

std::vector<std::size_t> layer_range(std::size_t first, std::size_t n) {
  std::vector<std::size_t> layers(n);
  std::iota(layers.begin(), layers.end(), first);
  return layers;
}

Result<LoopSpec> plain_loop(const HyperParameters& parameters, const ModelSpec& spec, int fallback, bool norms) {
  CONTINUO_TRY(const int loops, parameters.count_or("loops", fallback, static_cast<int>(kMaxLoops)));
  const Pass first{.layers = layer_range(0, spec.layers.size())};
  Pass again = first;
  again.norm = norms;
  return LoopSpec{
      .before = {}, .first = {first}, .again = {again}, .after = {}, .loops = static_cast<std::size_t>(loops)};
}

Result<void> refuse_fields(const HyperParameters& parameters, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    const Json* const value = parameters.raw(field);
    if (!value || value->is_null() || *value == Json(false) || *value == Json(0) ||
        (value->is_structured() && value->empty())) {
      continue;
    }
    return model_error(parameters.file(), fmt::format("'{}' is set, which is not supported", field));
  }
  return {};
}

AttentionSpec& attention_of(LayerSpec& layer) { return std::get<AttentionSpec>(layer.mixer); }

Result<int> window_or(const HyperParameters& parameters, int fallback) {
  return parameters.count_or("window", parameters.is_null("window") ? 0 : fallback);
}

Result<void> set_windows(const HyperParameters& parameters, ModelSpec& spec, int window,
                         const std::function<bool(int layer)>& rule) {
  CONTINUO_TRY(const bool listed, parameters.has("layer_types"));
  std::vector<std::string> types;
  if (listed) {
    CONTINUO_TRY(types, parameters.texts("layer_types", spec.layers.size()));
  }
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (listed && types[i] != "sliding_attention" && types[i] != "full_attention") {
      return parameters.wrong_item("layer_types", i, "full_attention or sliding_attention");
    }
    if (!(listed ? types[i] == "sliding_attention" : rule(static_cast<int>(i)))) continue;
    if (window == 0) {
      return model_error(parameters.file(),
                         fmt::format("layer {} has sliding attention, but there is no 'sliding_window'", i));
    }
    attention_of(spec.layers[i]).window = window;
  }
  return {};
}

Result<ExpertsSpec> plain_experts(const HyperParameters& parameters, const FeedForwardSpec& expert,
                                  bool normalized_by_default) {
  ExpertsSpec spec;
  spec.expert = expert;
  CONTINUO_TRY(spec.n_experts, parameters.count("n_experts", kMaxExperts));
  CONTINUO_TRY(spec.n_active, parameters.count("n_active_experts", spec.n_experts));
  CONTINUO_TRY(spec.normalize, parameters.flag_or("normalize_experts", normalized_by_default));
  return spec;
}

std::vector<float> alibi_slopes(int n_heads, double bits) {
  int power = 1;
  while (2 * power <= n_heads) power *= 2;
  std::vector<float> slopes;
  for (int i = 1; i <= power; ++i) slopes.push_back(static_cast<float>(std::exp2(-bits * i / power)));
  for (int i = 1; static_cast<int>(slopes.size()) < n_heads; i += 2)
    slopes.push_back(static_cast<float>(std::exp2(-bits * i / (2 * power))));
  return slopes;
}

Result<void> expect_flag(const HyperParameters& parameters, std::string_view name, bool expected,
                         std::string_view why) {
  CONTINUO_TRY(const bool flag, parameters.flag_or(name, expected));
  if (flag == expected) return {};
  return parameters.wrong(name, fmt::format("{}: {}", expected, why));
}

}  // namespace continuo
