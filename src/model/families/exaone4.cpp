// EXAONE 4: Llama with its norms after each part and norms of queries and keys; where windows take turns with
// full attention, the latter knows no positions. LG AI Research 2025, arXiv:2507.11407.
#include "model/families/llama.h"

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

}  // namespace

extern const Family kExaone4;  // the list's
const Family kExaone4 = {"exaone4", exaone4, llama_names(kPostNorms)};

}  // namespace continuo
