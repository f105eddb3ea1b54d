// VaultGemma: Gemma 2 without norms after its parts. Sinha et al. 2025, arXiv:2510.15001.
#include "model/families/gemma.h"

namespace continuo {

namespace {

Result<ModelSpec> vaultgemma(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, gemma_spec(p, {.plain = {.context_length = 8192}}));
  CONTINUO_TRY_VOID(set_later_gemma(p, spec, {.score = 50, .logit = 30}));
  for (LayerSpec& layer : spec.layers) {
    layer.post_mixer_norm.reset();
    layer.post_ffn_norm.reset();
  }
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int layer) { return layer % 2 == 0; }));
  return spec;
}

constexpr LlamaNames kTensors({kGemmaNorms[1]});

}  // namespace

extern const Family kVaultgemma;  // the list's
const Family kVaultgemma = {
    .model_type = "vaultgemma",
    .known_as = "VaultGemma",
    .spec = vaultgemma,
    .names = llama_names(kTensors),
};

}  // namespace continuo
