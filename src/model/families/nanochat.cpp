// nanochat: norms without weights, also of the embedding and of queries and keys, squared ReLU, capped
// logits; heads turn the other way round. Karpathy 2025, github.com/karpathy/nanochat.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> nanochat(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.activation = "relu2"}));
  const RmsNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .weight = false};
  CONTINUO_TRY(const double cap, p.number_or("logit_cap", p.is_null("logit_cap") ? 0 : 15, kFactor));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    std::get<FeedForwardSpec>(layer.ffn).gated = false;
    AttentionSpec& attention = attention_of(layer);
    // The reference normalizes after turning: without weights the two commute.
    attention.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
    attention.rope->negative_angle = true;
  }
  spec.embedding_norm = spec.final_norm = norm;
  spec.final_logit_softcap = static_cast<float>(cap);
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::ffn_up, "*layers.#.mlp.fc1.weight"},
    {Role::ffn_down, "*layers.#.mlp.fc2.weight"},
});

}  // namespace

extern const Family kNanochat;  // the list's
const Family kNanochat = {
    .model_type = "nanochat",
    .known_as = "nanochat",
    .spec = nanochat,
    .names = llama_names(kTensors),
};

}  // namespace continuo
