// Youtu-LLM: Llama with latent attention. Tencent 2026, arXiv:2512.24618.
#include "model/families/latent.h"

namespace continuo {

namespace {

Result<ModelSpec> youtu(const HyperParameters& p) {
  return latent_spec(p, {.plain = {.tied_output = true, .context_length = 131072}}, {.q_rank = 1536});
}

constexpr LlamaNames kTensors({CONTINUO_LATENT_TENSORS});

}  // namespace

extern const Family kYoutu;  // the list's
const Family kYoutu = {
    .model_type = "youtu",
    .known_as = "Youtu-LLM 2B",
    .spec = youtu,
    .names = llama_names(kTensors),
};

}  // namespace continuo
