// Granite 3 with experts. IBM 2024, github.com/ibm-granite/granite-3.0-language-models.
#include "model/families/granite.h"

namespace continuo {

namespace {

Result<ModelSpec> granitemoe(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, granite_spec(p, {.plain = {.context_length = 2048}}));
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, std::get<FeedForwardSpec>(spec.layers.front().ffn), true));
  experts.normalize = true;
  for (LayerSpec& layer : spec.layers) layer.ffn = experts;
  return spec;
}

constexpr LlamaNames kTensors({
    kGraniteExperts[0],
    kGraniteExperts[1],
    kGraniteExperts[2],
    kGraniteExperts[3],
    kGraniteExperts[4],
    kGraniteExperts[5],
});

}  // namespace

extern const Family kGranitemoe;  // the list's
const Family kGranitemoe = {
    .model_type = "granitemoe",
    .known_as = "Granite 3 (1B-A400M, 3B-A800M)",
    .spec = granitemoe,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "granitemoe",
             .paired_heads = true,
             .adapt = adapt_granite_gguf,
             .write = write_granite_gguf},
};

}  // namespace continuo
