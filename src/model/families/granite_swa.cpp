// Granite with a window in three layers of four, attention sinks, and rotary positions of each layer's own. IBM 2026,
// huggingface.co/ibm-granite.
#include "model/families/granite.h"

namespace continuo {

namespace {

// Each layer's theta, 0 where it knows no positions.
Result<void> set_thetas(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const bool listed, p.has("layer_rope_thetas"));
  if (!listed) return {};
  CONTINUO_TRY(const std::vector<float> thetas, p.numbers("layer_rope_thetas", spec.layers.size(), kLimit));
  for (std::size_t i = 0; i < thetas.size(); ++i) {
    std::optional<RopeSpec>& rope = attention_of(spec.layers[i]).rope;
    if (thetas[i] == 0) {
      rope.reset();
    } else if (thetas[i] < 1) {
      return p.wrong_item("layer_rope_thetas", i, "0 or a number of at least 1");
    } else {
      rope->theta = static_cast<double>(thetas[i]);
    }
  }
  return {};
}

Result<ModelSpec> granite_swa(const HyperParameters& p) {
  CONTINUO_TRY(
      ModelSpec spec,
      granite_spec(p, {.plain = {.tied_output = true, .context_length = 8192}, .norm_eps = 1e-5, .feed_bias = true}));
  CONTINUO_TRY(const int window, window_or(p, 128));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int layer) { return layer % 4 != 0; }));
  CONTINUO_TRY_VOID(set_thetas(p, spec));
  for (LayerSpec& layer : spec.layers) attention_of(layer).sinks = true;
  return spec;
}

constexpr LlamaNames kTensors({{Role::attention_sinks, "*layers.#.self_attn.sinks"}});

}  // namespace

extern const Family kGraniteSwa;  // the list's
const Family kGraniteSwa = {
    .model_type = "granite_swa",
    .known_as = "Granite Swash",
    .spec = granite_swa,
    .names = llama_names(kTensors),
};

}  // namespace continuo
