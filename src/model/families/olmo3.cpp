// OLMo 3: OLMo 2 with a window in three layers of four; positions scaled for longer texts in the others alone. OLMo
// team 2025, allenai.org/olmo3.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> olmo3(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 2048}, .norm_eps = 1e-5, .ropes_differ = true}));
  set_post_norms(spec);
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int layer) { return (layer + 1) % 4 != 0; }));
  CONTINUO_TRY(const RopesByKind ropes, ropes_by_kind(p, attention_of(spec.layers.front()).head_dim,
                                                      spec.context_length, {.theta = 5e5}, {.theta = 5e5}));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.qk_norm = QkNormSpec{*spec.final_norm, QkNormSpec::Span::all_heads};
    attention.rope = attention.window > 0 ? ropes.sliding : ropes.full;
  }
  return spec;
}

bool has_windows(const Checkpoint& file) { return gguf_value(file, "attention.sliding_window") != nullptr; }

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  gguf_copy_layer_types(file, config);
  // Positions are scaled in layers with full attention alone.
  const Json theta = config.value("rope_theta", Json(5e5));
  Json full = config.value("rope_scaling", Json::object());
  full["rope_theta"] = theta;
  config["rope_parameters"] = {{"full_attention", std::move(full)}, {"sliding_attention", {{"rope_theta", theta}}}};
  config.erase("rope_scaling");
  config.erase("rope_theta");
  return {};
}

}  // namespace

extern const Family kOlmo3;  // the list's
const Family kOlmo3 = {
    .model_type = "olmo3",
    .known_as = "OLMo 3",
    .spec = olmo3,
    .names = llama_names(kPostNorms),
    .gguf = {.architecture = "olmo2", .adapt = adapt_gguf, .claims = has_windows, .write = set_window_pattern},
};

}  // namespace continuo
