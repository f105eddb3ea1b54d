// OLMo 2: Llama with its norms after each part, and norms of all queries and all keys at once. OLMo team
// 2024, arXiv:2501.00656.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> olmo2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5}));
  set_post_norms(spec);
  for (LayerSpec& layer : spec.layers)
    attention_of(layer).qk_norm = QkNormSpec{*spec.final_norm, QkNormSpec::Span::all_heads};
  return spec;
}

}  // namespace

extern const Family kOlmo2;  // the list's
const Family kOlmo2 = {
    .model_type = "olmo2",
    .known_as = "OLMo 2",
    .spec = olmo2,
    .names = llama_names(kPostNorms),
    .gguf = {.architecture = "olmo2"},
};

}  // namespace continuo
