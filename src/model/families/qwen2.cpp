// Qwen2 (Qwen1.5, Qwen2, Qwen2.5): Llama with biases on queries, keys and values. Yang et al. 2024,
// arXiv:2407.10671.
#include "model/families/qwen.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).qkv_bias = true;
    attention_of(layer).out_bias = false;
  }
  CONTINUO_TRY_VOID(set_qwen_windows(p, spec, [](int layer, int first) { return layer >= first; }));
  return spec;
}

}  // namespace

extern const Family kQwen2;  // the list's
const Family kQwen2 = {
    .model_type = "qwen2",
    .known_as = "Qwen1.5, Qwen2, Qwen2.5, DeepSeek-R1-Distill-Qwen",
    .spec = qwen2,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "qwen2", .also = "qwen2vl"},
};

}  // namespace continuo
