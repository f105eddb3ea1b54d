// Command R: attention and feed-forward of the same normalized state side by side, layer norms without bias,
// neighbouring values turned as pairs, scaled logits. Cohere 2024,
// huggingface.co/CohereForAI/c4ai-command-r-v01.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> cohere(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.tied_output = true}, .norm_eps = 1e-5, .rope = {.theta = 5e5}}));
  const LayerNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .bias = false};
  CONTINUO_TRY(const bool qk_norm, p.flag_or("qk_norm", false));
  for (LayerSpec& layer : spec.layers) {
    layer.order = LayerSpec::Order::parallel;
    layer.mixer_norm = norm;
    layer.ffn_norm.reset();
    attention_of(layer).rope->interleaved = true;
    if (qk_norm) attention_of(layer).qk_norm = QkNormSpec{norm, QkNormSpec::Span::own_head};
  }
  spec.final_norm = norm;
  CONTINUO_TRY(const double scale, p.number_or("logit_scale", 0.0625, kFactor));
  spec.logit_scale = static_cast<float>(scale);
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto scale, gguf_number(file, "logit_scale"));
  if (scale) config["logit_scale"] = *scale;
  config["use_qk_norm"] = gguf_stored(file, 0, "attn_q_norm.weight");
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) { into.set("logit_scale", spec.logit_scale); }

}  // namespace

extern const Family kCohere;  // the list's
const Family kCohere = {
    .model_type = "cohere",
    .known_as = "Command R, Aya",
    .spec = cohere,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "command-r", .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
