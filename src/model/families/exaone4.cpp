// EXAONE 4: Llama with its norms after each part and norms of queries and keys; where windows take turns with
// full attention, the latter knows no positions. LG AI Research 2025, arXiv:2507.11407.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> exaone4(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5}));
  set_post_norms(spec);
  set_head_norms(spec, *spec.final_norm);
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  int pattern = 1;  // every n-th layer sees everything
  if (!listed && window > 0) {
    CONTINUO_TRY(pattern, p.count_or("window_pattern", 4));
  }
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int layer) { return (layer + 1) % pattern != 0; }));
  for (LayerSpec& layer : spec.layers) {
    if (window > 0 && attention_of(layer).window == 0) attention_of(layer).rope.reset();
  }
  return spec;
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  if (!config.contains("sliding_window")) config["sliding_window"] = nullptr;
  gguf_copy_layer_types(file, config);
  return {};
}

}  // namespace

extern const Family kExaone4;  // the list's
const Family kExaone4 = {
    .model_type = "exaone4",
    .known_as = "EXAONE 4",
    .spec = exaone4,
    .names = llama_names(kPostNorms),
    .gguf = {.architecture = "exaone4", .adapt = adapt_gguf, .write = set_window_pattern},
};

}  // namespace continuo
