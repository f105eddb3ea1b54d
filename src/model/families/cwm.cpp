// CWM: Llama with a window in three layers of four. FAIR CodeGen team 2025, arXiv:2510.02387.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> cwm(const HyperParameters& p) {
  CONTINUO_TRY(const bool ropes, p.has("rope_section"));
  if (!ropes) return model_error(p.file(), "'rope_parameters' or 'rope_scaling' is missing");
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 131072},
                                              .norm_eps = 1e-5,
                                              .head_dim = 128,
                                              .rope = {.theta = 1e6},
                                              .feed_bias = true}));
  CONTINUO_TRY(const int window, window_or(p, 8192));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int layer) { return layer % 4 != 0; }));
  for (LayerSpec& layer : spec.layers) attention_of(layer).qkv_bias = attention_of(layer).out_bias = false;
  return spec;
}

}  // namespace

extern const Family kCwm;  // the list's
const Family kCwm = {
    .model_type = "cwm",
    .known_as = "Code World Model",
    .spec = cwm,
    .names = llama_names(kLlamaTensors),
    .gguf = {.written_as = [](const ModelSpec&) { return std::string_view("llama"); }},
};

}  // namespace continuo
