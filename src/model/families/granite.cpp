// Granite 3: Llama with multipliers on embeddings, scores, residuals and logits. IBM 2024,
// github.com/ibm-granite/granite-3.0-language-models.
#include "model/families/granite.h"

#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

Result<ModelSpec> granite_spec(const HyperParameters& p, const LlamaDefaults& defaults) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, defaults));
  CONTINUO_TRY(const double embedding, p.number_or("embedding_scale", 1, kFactor));
  CONTINUO_TRY(const double attention, p.number_or("attention_scale", 1, kFactor));
  CONTINUO_TRY(const double residual, p.number_or("residual_scale", 1, kFactor));
  CONTINUO_TRY(const double divisor, p.number_or("logit_divisor", 1, kFactor));
  spec.embedding_scale = static_cast<float>(embedding);
  spec.logit_scale = static_cast<float>(1 / divisor);
  for (LayerSpec& layer : spec.layers) {
    layer.residual_scale = static_cast<float>(residual);
    attention_of(layer).scale = static_cast<float>(attention);
  }
  return spec;
}

Result<void> adapt_granite_gguf(const Checkpoint& file, Json& config) {
  const Json* turns = gguf_value(file, "rope.scaling.finetuned");  // in these files, whether positions turn at all
  if (turns && *turns == false) return gguf_wrong(file, "rope.scaling.finetuned", "is false, which is not supported");
  return gguf_copy(file, "logit_scale", config, "logits_scaling");
}

void write_granite_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("embedding_scale", spec.embedding_scale);
  into.set("residual_scale", spec.layers.front().residual_scale);
  into.set("logit_scale", gguf_divisor(spec.logit_scale));
  if (const AttentionSpec* const attention = first_attention(spec)) into.set("attention.scale", attention->scale);
}

namespace {
Result<ModelSpec> granite(const HyperParameters& p) { return granite_spec(p, {.feed_bias = true}); }
}  // namespace

extern const Family kGranite;  // the list's
const Family kGranite = {
    .model_type = "granite",
    .known_as = "Granite 3 (dense)",
    .spec = granite,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "granite", .paired_heads = true, .adapt = adapt_granite_gguf, .write = write_granite_gguf},
};

}  // namespace continuo
