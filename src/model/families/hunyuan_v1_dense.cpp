// Hunyuan, dense: Llama with norms of queries and keys after their positions. Tencent 2025,
// github.com/Tencent-Hunyuan/Hunyuan-7B.
#include <cmath>
#include <optional>

#include "model/families/llama.h"

namespace continuo {

namespace {

// "dynamic" with an "alpha" is not dynamic: theta is multiplied once and for all.
Result<std::optional<RopeSpec>> stretched_rope(const HyperParameters& p, int head_dim) {
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const std::string type, section.text_or("rope_type", "default"));
  CONTINUO_TRY(const double alpha, section.number_or("rope_alpha", 0, kLimit));
  if (std::string_view(type) != "dynamic" || alpha == 0) return std::optional<RopeSpec>{};
  if (head_dim < 4 || head_dim % 2 != 0) return section.wrong("rope_type", "another with heads of so few values");
  CONTINUO_TRY(const double outside, p.number_or("rope_theta", 10000, kFromOne));
  CONTINUO_TRY(const double theta, section.number_or("rope_theta", outside, kFromOne));
  const double stretch = std::pow(alpha, static_cast<double>(head_dim) / (head_dim - 2));
  return std::optional(RopeSpec{.rotary_dim = head_dim, .theta = theta * stretch, .scaling = {}});
}

Result<ModelSpec> hunyuan(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 2048}, .norm_eps = 1e-5, .ropes_differ = true}));
  set_head_norms(spec, *spec.final_norm);
  const int head_dim = attention_of(spec.layers.front()).head_dim;
  CONTINUO_TRY(std::optional<RopeSpec> rope, stretched_rope(p, head_dim));
  if (!rope) {
    CONTINUO_TRY(rope, rope_spec(p, head_dim, spec.context_length));
    CONTINUO_TRY(spec.context_length, scaled_context(p, *rope, spec.context_length));
  }
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).rope = rope;
    attention_of(layer).qk_norm_after_rope = true;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.query_layernorm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.key_layernorm.weight"},
});

}  // namespace

extern const Family kHunyuanV1Dense;  // the list's
const Family kHunyuanV1Dense = {
    .model_type = "hunyuan_v1_dense",
    .known_as = "Hunyuan 0.5B to 7B",
    .spec = hunyuan,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "hunyuan-dense"},
};

}  // namespace continuo
