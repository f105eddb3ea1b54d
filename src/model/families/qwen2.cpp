// Qwen2: Llama with biases on queries, keys and values. Yang et al. 2024, arXiv:2407.10671.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen2(const HyperParameters& p) {
  CONTINUO_TRY(const bool windows, p.flag_or("use_window", false));
  if (windows) return p.wrong("use_window", "false", "sliding windows are not supported");
  CONTINUO_TRY(ModelSpec spec, llama_spec(p));
  for (LayerSpec& layer : spec.layers) {
    auto& attention = std::get<AttentionSpec>(layer.mixer);
    attention.qkv_bias = true;
    attention.out_bias = false;
  }
  return spec;
}

}  // namespace

extern const Family kQwen2;  // the list's
const Family kQwen2 = {"qwen2", qwen2, kLlama.tensors, kLlama.prefixes, kLlama.ignored};

}  // namespace continuo
