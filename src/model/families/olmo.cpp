// OLMo: Llama whose norms have no weights; queries, keys and values may be clamped. Groeneveld et al. 2024,
// arXiv:2402.00838.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> olmo(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  CONTINUO_TRY(const double clip, p.number_or("qkv_clip", 0, kLimit));
  const LayerNormSpec norm{.eps = 1e-5f, .bias = false, .weight = false};
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    attention_of(layer).qkv_clip = static_cast<float>(clip);
  }
  spec.final_norm = norm;
  return spec;
}

}  // namespace

extern const Family kOlmo;  // the list's
const Family kOlmo = {
    .model_type = "olmo",
    .known_as = "OLMo",
    .spec = olmo,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "olmo", .paired_heads = true},
};

}  // namespace continuo
