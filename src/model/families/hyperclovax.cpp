// HyperCLOVA X SEED: Granite with norms after each part as well, and logits that are multiplied. NAVER Cloud 2025,
// arXiv:2506.22403.
#include <cmath>

#include "model/families/granite.h"

namespace continuo {

namespace {

Result<ModelSpec> hyperclovax(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, granite_spec(p, {.plain = {.context_length = 2048}, .feed_bias = true}));
  CONTINUO_TRY(const bool scaled, p.has("attention_scale"));
  CONTINUO_TRY(const bool post_norms, p.flag_or("post_norms", true));
  CONTINUO_TRY(const double logit_scale, p.number_or("logit_divisor", 1, kFactor));  // here it multiplies
  spec.logit_scale = static_cast<float>(logit_scale);
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    if (!scaled) attention.scale = 1 / std::sqrt(static_cast<float>(attention.head_dim));
    if (post_norms) layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::post_mixer_norm, "*layers.#.post_norm1.weight"},
    {Role::post_ffn_norm, "*layers.#.post_norm2.weight"},
});

}  // namespace

extern const Family kHyperclovax;  // the list's
const Family kHyperclovax = {
    .model_type = "hyperclovax",
    .known_as = "HyperCLOVA X SEED Think",
    .spec = hyperclovax,
    .names = llama_names(kTensors),
};

}  // namespace continuo
