// ERNIE 4.5, dense: Llama whose neighbouring values turn as pairs, with biases everywhere or nowhere. Baidu 2025,
// github.com/PaddlePaddle/ERNIE.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> ernie4_5(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true, .context_length = 131072},
                                              .norm_eps = 1e-5,
                                              .head_dim = 128,
                                              .rope = {.theta = 5e5}}));
  CONTINUO_TRY(const bool bias, p.flag_or("biases", false));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.rope->interleaved = true;
    attention.qkv_bias = attention.out_bias = bias;
    std::get<FeedForwardSpec>(layer.ffn).bias = bias;
  }
  return spec;
}

}  // namespace

extern const Family kErnie45;  // the list's
const Family kErnie45 = {
    .model_type = "ernie4_5",
    .known_as = "ERNIE 4.5 0.3B",
    .spec = ernie4_5,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "ernie4_5"},
};

}  // namespace continuo
