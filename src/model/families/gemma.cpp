// Gemma: Llama with tied embeddings scaled by sqrt(d_model), norms that keep weight - 1, and a tanh GELU.
// Gemma team 2024, arXiv:2403.08295.
#include "model/families/gemma.h"

#include <cmath>

#include "model/gguf_metadata.h"

namespace continuo {

Result<ModelSpec> gemma_spec(const HyperParameters& p, LlamaDefaults defaults) {
  CONTINUO_TRY_VOID(expect_flag(p, "bidirectional", false, "attention to later tokens is not supported"));
  defaults.plain.tied_output = true;
  defaults.activation = "gelu_pytorch_tanh";
  defaults.head_dim = 256;
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, defaults));
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.d_model));
  const RmsNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .unit_offset = true};
  // Where a file names both activations, the later name is the one that is meant.
  CONTINUO_TRY(const bool renamed, p.has("hidden_activation"));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = layer.ffn_norm = norm;
    if (!renamed) continue;
    auto& feed = std::get<FeedForwardSpec>(layer.ffn);
    CONTINUO_TRY(feed.activation, activation(p, "", "hidden_activation"));
  }
  spec.final_norm = norm;
  return spec;
}

namespace {

Result<double> cap_or(const HyperParameters& p, std::string_view name, double fallback) {
  return p.number_or(name, p.is_null(name) ? 0 : fallback, kFactor);
}

}  // namespace

Result<void> set_later_gemma(const HyperParameters& p, ModelSpec& spec, const GemmaCaps& caps) {
  CONTINUO_TRY(const double scale_dim, p.number_or("query_scale_dim", 256, kFactor));
  CONTINUO_TRY(const double attn_logit_softcap, cap_or(p, "score_cap", caps.score));
  CONTINUO_TRY(const double final_logit_softcap, cap_or(p, "logit_cap", caps.logit));
  spec.final_logit_softcap = static_cast<float>(final_logit_softcap);
  for (LayerSpec& layer : spec.layers) {
    layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
    attention_of(layer).scale = static_cast<float>(1 / std::sqrt(scale_dim));
    attention_of(layer).attn_logit_softcap = static_cast<float>(attn_logit_softcap);
  }
  return {};
}

Result<void> gguf_gemma_query_scale(const Checkpoint& file, Json& config, double largest_layers) {
  CONTINUO_TRY(const auto layers, gguf_number(file, "block_count"));
  const double d_model = config.value("hidden_size", 0.0), n_heads = config.value("num_attention_heads", 1.0);
  const double head_dim = config.value("head_dim", n_heads > 0 ? d_model / n_heads : 0);
  config["query_pre_attn_scalar"] = layers == largest_layers && n_heads > 0 ? d_model / n_heads : head_dim;
  return {};
}

namespace {
Result<ModelSpec> gemma(const HyperParameters& p) { return gemma_spec(p, {}); }
}  // namespace

extern const Family kGemma;  // the list's
const Family kGemma = {
    .model_type = "gemma",
    .known_as = "Gemma, CodeGemma",
    .spec = gemma,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "gemma"},
};

}  // namespace continuo
