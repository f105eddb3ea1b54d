// Youtu-LLM: Llama with latent attention. Tencent 2026, arXiv:2512.24618.
#include "model/families/latent.h"

namespace continuo {

namespace {

Result<ModelSpec> youtu(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               latent_spec(p, {.plain = {.tied_output = true, .context_length = 131072}}, {.q_rank = 1536}));
  // The reference sets the padding's row to zero whenever it loads the model.
  CONTINUO_TRY(const bool pads, p.has("pad_token"));
  if (!pads) return spec;
  CONTINUO_TRY(const int pad, p.index_or("pad_token", 0));
  if (pad < spec.vocab_size) spec.zero_token = static_cast<TokenId>(pad);
  return spec;
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
