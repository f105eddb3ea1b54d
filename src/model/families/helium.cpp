// Helium: Llama whose neighbouring values turn as pairs. Kyutai 2025, huggingface.co/kyutai/helium-1-2b.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> helium(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 4096},
                                              .norm_eps = 1e-8,
                                              .head_dim = 128,
                                              .rope = {.theta = 1e5},
                                              .feed_bias = true}));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).rope->interleaved = true;
    attention_of(layer).out_bias = false;
  }
  return spec;
}

}  // namespace

extern const Family kHelium;  // the list's
const Family kHelium = {
    .model_type = "helium",
    .known_as = "Helium 1",
    .spec = helium,
    .names = llama_names(kLlamaTensors),
};

}  // namespace continuo
