// GLM-4 (9B) and GLM-Edge: Llama with a part of each head that turns. GLM team 2024, arXiv:2406.12793.
#include "model/families/glm.h"

namespace continuo {

Result<ModelSpec> glm_spec(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 131072},
                                              .norm_eps = 1.5625e-7,
                                              .head_dim = 128,
                                              .rope = {.share = 0.5, .share_is_free = true}}));
  CONTINUO_TRY(const bool bias, p.flag_or("attention_bias", true));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.rope->interleaved = true;
    attention.qkv_bias = bias;
    attention.out_bias = false;
  }
  return spec;
}

namespace {

constexpr LlamaNames kTensors({kGlmGateUp});
constexpr auto kGgufNames = std::to_array<TensorName>({kGlmGgufGateUp});

}  // namespace

extern const Family kGlm;  // the list's
const Family kGlm = {
    .model_type = "glm",
    .known_as = "GLM-4 9B, GLM-Edge",
    .spec = glm_spec,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "chatglm", .names = kGgufNames},
};

}  // namespace continuo
