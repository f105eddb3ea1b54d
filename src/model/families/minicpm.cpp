// MiniCPM: Llama with scaled embeddings, residuals and last hidden state (tensor programs: Yang et al. 2022,
// arXiv:2203.03466). Hu et al. 2024, arXiv:2404.06395.
#include <cmath>

#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> minicpm(const HyperParameters& p) {
  CONTINUO_TRY(const bool experts, p.has("n_experts"));
  if (experts) return p.wrong("n_experts", "none: experts are not supported for this kind of model");
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true}}));
  CONTINUO_TRY(const double embedding, p.number_or("embedding_scale", 1, kAboveZero));
  CONTINUO_TRY(const double depth, p.number_or("depth_scale", 1, kAboveZero));
  CONTINUO_TRY(const int base_width, p.count_or("base_width", spec.d_model));
  spec.embedding_scale = static_cast<float>(embedding);
  spec.logit_scale = static_cast<float>(static_cast<double>(base_width) / spec.d_model);
  const double residual = depth / std::sqrt(static_cast<double>(spec.layers.size()));
  for (LayerSpec& layer : spec.layers)
    layer.residual_scale = static_cast<float>(residual);
  return spec;
}

}  // namespace

extern const Family kMinicpm;  // the list's
const Family kMinicpm = {"minicpm", minicpm, llama_names(kLlamaTensors)};

}  // namespace continuo
