// StableLM: Llama with layer norms and a part of each head turned. Bellagente et al. 2024, arXiv:2402.17834.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> stablelm(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5, .rope = {.share = 0.25, .share_is_free = true}}));
  const float eps = std::get<RmsNormSpec>(*spec.final_norm).eps;
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY(const bool qkv_bias, p.flag_or("qkv_bias", false));
  CONTINUO_TRY(const bool qk_norm, p.flag_or("qk_norm", false));
  CONTINUO_TRY(const bool parallel, p.flag_or("parallel", false));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer_norm = norm;
    if (parallel) {
      layer.order = LayerSpec::Order::parallel;
      layer.ffn_norm.reset();
    } else {
      layer.ffn_norm = norm;
    }
    AttentionSpec& attention = attention_of(layer);
    attention.qkv_bias = qkv_bias;
    attention.out_bias = false;
    if (qk_norm) {
      attention.qk_norm = QkNormSpec{LayerNormSpec{.eps = eps, .bias = false}, QkNormSpec::Span::own_head};
    }
  }
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm_bias, "*layers.#.input_layernorm.bias"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_layernorm.norms.@.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_layernorm.norms.@.weight"},
    {Role::ffn_norm_bias, "*layers.#.post_attention_layernorm.bias"},
    {Role::final_norm_bias, "*norm.bias"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  // Files without a second norm are parallel, whatever they say.
  config["use_parallel_residual"] = !gguf_stored(file, 0, "ffn_norm.weight");
  config["qk_layernorm"] = gguf_stored(file, 0, "attn_q_norm.weight");
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("use_parallel_residual", spec.layers.front().order == LayerSpec::Order::parallel);
}

}  // namespace

extern const Family kStablelm;  // the list's
const Family kStablelm = {
    .model_type = "stablelm",
    .known_as = "StableLM 2, StableLM Zephyr",
    .spec = stablelm,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "stablelm", .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
