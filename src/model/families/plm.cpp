// PLM: latent attention and an ungated network of squared ReLUs. Deng et al. 2025, arXiv:2503.12167.
#include "model/families/latent.h"

namespace continuo {

namespace {

Result<ModelSpec> plm(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, latent_spec(p, {.activation = "relu2"}, {}));
  for (LayerSpec& layer : spec.layers) std::get<FeedForwardSpec>(layer.ffn).gated = false;
  return spec;
}

constexpr LlamaNames kTensors({CONTINUO_LATENT_TENSORS});

}  // namespace

extern const Family kPlm;  // the list's
const Family kPlm = {
    .model_type = "plm",
    .known_as = "PLM 1.8B",
    .spec = plm,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "plm", .adapt = adapt_latent_gguf},
};

}  // namespace continuo
