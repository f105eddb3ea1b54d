// Llama: pre-norm blocks of grouped-query attention with rotary positions and a gated feed-forward.
// Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288.
#include "model/families/llama.h"

namespace continuo {

Result<ModelSpec> llama_spec(const HyperParameters& p, const LlamaDefaults& defaults) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, defaults.plain));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec, defaults.head_dim));
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("attention_bias", false));
  mixer.out_bias = mixer.qkv_bias;
  if (!defaults.ropes_differ) {
    CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length, defaults.rope));
    CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));
  }

  CONTINUO_TRY(FeedForwardSpec feed, plain_feed(p, {}, defaults.activation));
  if (defaults.feed_bias) {
    CONTINUO_TRY(feed.bias, p.flag_or("mlp_bias", false));
  }
  CONTINUO_TRY(const float eps, norm_eps(p, defaults.norm_eps));
  const RmsNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

void set_post_norms(ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) {
    layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
    layer.mixer_norm.reset();
    layer.ffn_norm.reset();
  }
}

void set_head_norms(ModelSpec& spec, const NormSpec& norm) {
  for (LayerSpec& layer : spec.layers) attention_of(layer).qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
}

namespace {
Result<ModelSpec> llama(const HyperParameters& p) { return llama_spec(p, {.feed_bias = true}); }
}  // namespace

extern const Family kLlama;  // the list's
const Family kLlama = {
    .model_type = "llama",
    .known_as = "Llama 1 to 3.3, TinyLlama, SmolLM, SmolLM2, DeepSeek-Coder, Yi",
    .spec = llama,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "llama", .paired_heads = true},
};

}  // namespace continuo
