// Arcee (AFM): Llama with an ungated feed-forward network of squared ReLUs. Arcee AI 2025,
// huggingface.co/arcee-ai/AFM-4.5B.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> arcee(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5, .activation = "relu2", .feed_bias = true}));
  for (LayerSpec& layer : spec.layers) std::get<FeedForwardSpec>(layer.ffn).gated = false;
  return spec;
}

Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["hidden_act"] = "relu2";
  return {};
}

}  // namespace

extern const Family kArcee;  // the list's
const Family kArcee = {
    .model_type = "arcee",
    .known_as = "AFM-4.5B",
    .spec = arcee,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "arcee", .paired_heads = true, .adapt = adapt_gguf},
};

}  // namespace continuo
