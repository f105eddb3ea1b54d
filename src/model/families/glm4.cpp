// GLM-4 (0414): GLM with norms before and after each part. Z.ai 2025, github.com/zai-org/GLM-4.
#include "model/families/glm.h"

namespace continuo {

namespace {

Result<ModelSpec> glm4(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, glm_spec(p));
  for (LayerSpec& layer : spec.layers) layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
  return spec;
}

constexpr LlamaNames kTensors({
    kGlmGateUp,
    {Role::post_mixer_norm, "*layers.#.post_self_attn_layernorm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_mlp_layernorm.weight"},
});
constexpr auto kGgufNames = std::to_array<TensorName>({kGlmGgufGateUp});

}  // namespace

extern const Family kGlm4;  // the list's
const Family kGlm4 = {
    .model_type = "glm4",
    .known_as = "GLM-4-0414, GLM-Z1",
    .spec = glm4,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "glm4", .names = kGgufNames},
};

}  // namespace continuo
