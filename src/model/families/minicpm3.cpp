// MiniCPM3: MiniCPM with latent attention. OpenBMB 2024, huggingface.co/openbmb/MiniCPM3-4B.
#include <cmath>

#include "model/families/latent.h"

namespace continuo {

namespace {

Result<ModelSpec> minicpm3(const HyperParameters& p) {
  CONTINUO_TRY(
      ModelSpec spec,
      latent_spec(p, {.plain = {.tied_output = true, .context_length = 32768}, .norm_eps = 1e-5, .feed_bias = true},
                  {.q_rank = 768, .kv_rank = 256, .nope_dim = 64, .rope_dim = 32, .v_dim = 0, .interleaved = false}));
  const double n_layers = static_cast<double>(spec.layers.size());
  CONTINUO_TRY(const double embedding, p.number_or("embedding_scale", 12, kFactor));
  CONTINUO_TRY(const double depth,
               p.number_or("depth_scale", p.is_null("depth_scale") ? std::sqrt(n_layers) : 1.4, kFactor));
  CONTINUO_TRY(const int base_width, p.count_or("base_width", p.is_null("base_width") ? spec.d_model : 256));
  spec.embedding_scale = static_cast<float>(embedding);
  spec.logit_scale = static_cast<float>(static_cast<double>(base_width) / spec.d_model);
  for (LayerSpec& layer : spec.layers) layer.residual_scale = static_cast<float>(depth / std::sqrt(n_layers));
  return spec;
}

constexpr LlamaNames kTensors({CONTINUO_LATENT_TENSORS});

}  // namespace

extern const Family kMinicpm3;  // the list's
const Family kMinicpm3 = {
    .model_type = "minicpm3",
    .known_as = "MiniCPM3 4B",
    .spec = minicpm3,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "minicpm3", .adapt = adapt_latent_gguf},
};

}  // namespace continuo
