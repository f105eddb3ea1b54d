#include "model/families/latent.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// Scores of text longer than trained are multiplied by the square of what YaRN does to cosines and sines.
Result<float> score_scale(const HyperParameters& p, int query_dim) {
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const std::string type, section.text_or("rope_type", "default"));
  CONTINUO_TRY(const double weight, section.number_or("mscale_all_dim", 0, kFromZero));
  double scale = 1 / std::sqrt(static_cast<double>(query_dim));
  if (std::string_view(type) != "default" && weight != 0) {
    CONTINUO_TRY(const double factor, section.number("rope_factor", kFromOne));
    const double magnitude = factor <= 1 ? 1 : 0.1 * weight * std::log(factor) + 1;
    scale *= magnitude * magnitude;
  }
  if (!std::isfinite(scale)) return section.wrong("mscale_all_dim", "a number that gives a finite factor");
  return static_cast<float>(scale);
}

constexpr int kLargestPart = 1 << 16;  // of a head: sums of a few stay small

}  // namespace

Result<void> adapt_latent_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy(file, "attention.q_lora_rank", config, "q_lora_rank"));
  if (!config.contains("q_lora_rank") || config["q_lora_rank"] == 0) config["q_lora_rank"] = nullptr;
  CONTINUO_TRY_VOID(gguf_copy(file, "attention.kv_lora_rank", config, "kv_lora_rank"));
  // Of what is remembered, not of a head.
  CONTINUO_TRY(const auto remembered, gguf_number(file, "attention.value_length"));
  static_cast<void>(remembered);
  const auto either = [&](const char* first, const char* second) -> Result<std::optional<double>> {
    CONTINUO_TRY(const auto value, gguf_number(file, first));
    return value ? Result<std::optional<double>>(value) : gguf_number(file, second);
  };
  CONTINUO_TRY(const auto key, either("attention.key_length_mla", "attention.key_length"));
  CONTINUO_TRY(const auto value, either("attention.value_length_mla", "attention.value_length"));
  CONTINUO_TRY(const auto turned, gguf_number(file, "rope.dimension_count"));
  if (!key || !turned) return gguf_wrong(file, key ? "rope.dimension_count" : "attention.key_length", "is missing");
  config["qk_rope_head_dim"] = static_cast<std::int64_t>(std::clamp(*turned, 0.0, 1e6));
  config["qk_nope_head_dim"] = static_cast<std::int64_t>(std::clamp(*key - *turned, 0.0, 1e6));
  if (value) config["v_head_dim"] = static_cast<std::int64_t>(std::clamp(*value, 0.0, 1e6));
  config["num_key_value_heads"] = config["num_attention_heads"];
  config.erase("head_dim");
  config.erase("partial_rotary_factor");
  return {};
}

Result<ModelSpec> latent_spec(const HyperParameters& p, LlamaDefaults defaults, const LatentDefaults& fallback) {
  defaults.ropes_differ = true;
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, defaults));
  LatentSpec latent;
  if (fallback.q_rank > 0 && !p.is_null("q_rank")) {
    CONTINUO_TRY(latent.q_rank, p.count_or("q_rank", fallback.q_rank));
  } else {
    CONTINUO_TRY(latent.q_rank, p.count_or("q_rank", HyperParameters::kLargest));
    if (latent.q_rank == HyperParameters::kLargest) latent.q_rank = 0;
  }
  CONTINUO_TRY(latent.kv_rank, p.count_or("kv_rank", fallback.kv_rank, kLargestPart));
  CONTINUO_TRY(latent.nope_dim, p.count_or("nope_dim", fallback.nope_dim, kLargestPart));
  CONTINUO_TRY(latent.rope_dim, p.count_or("latent_rope_dim", fallback.rope_dim, kLargestPart));
  const int n_heads = attention_of(spec.layers.front()).n_heads;
  CONTINUO_TRY(latent.v_dim,
               p.count_or("v_dim", fallback.v_dim > 0 ? fallback.v_dim : spec.d_model / n_heads, kLargestPart));
  latent.norm = RmsNormSpec{.eps = 1e-6f};
  CONTINUO_TRY(RopeSpec rope, rope_spec(p, latent.rope_dim, spec.context_length, defaults.rope));
  CONTINUO_TRY(spec.context_length, scaled_context(p, rope, spec.context_length));
  CONTINUO_TRY(rope.interleaved, p.flag_or("interleaved_rope", fallback.interleaved));
  CONTINUO_TRY(const float scale, score_scale(p, latent.nope_dim + latent.rope_dim));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.n_kv_heads = 1;
    attention.head_dim = latent.rope_dim + latent.kv_rank;
    attention.scale = scale;
    attention.rope = rope;
    attention.latent = latent;
  }
  return spec;
}

}  // namespace continuo
