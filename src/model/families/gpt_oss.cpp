// gpt-oss: experts with biases and clamped gates, attention sinks, a window in every other layer. OpenAI 2025,
// arXiv:2508.10925.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> gpt_oss(const HyperParameters& p) {
  CONTINUO_TRY(const bool ropes, p.has("rope_section"));
  if (!ropes) return model_error(p.file(), "'rope_parameters' or 'rope_scaling' is missing");
  CONTINUO_TRY(
      ModelSpec spec,
      llama_spec(p,
                 {.plain = {.context_length = 131072}, .norm_eps = 1e-5, .head_dim = 64, .rope = {.theta = 150000}}));
  CONTINUO_TRY(const int window, window_or(p, 128));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int layer) { return layer % 2 == 0; }));
  CONTINUO_TRY(const bool bias, p.flag_or("attention_bias", true));
  FeedForwardSpec expert = std::get<FeedForwardSpec>(spec.layers.front().ffn);
  CONTINUO_TRY(const double alpha, p.number_or("gate_alpha", 1.702, kFactor));
  CONTINUO_TRY(const double limit, p.number_or("gate_limit", 7, kFactor));
  expert.bias = true;
  expert.clamped_gate = FeedForwardSpec::ClampedGate{static_cast<float>(alpha), static_cast<float>(limit)};
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, expert, true));
  experts.normalize = true;
  experts.router_bias = true;
  experts.interleaved = true;
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.qkv_bias = attention.out_bias = bias;
    attention.sinks = true;
    layer.ffn = experts;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_sinks, "*layers.#.self_attn.sinks"},
    {Role::router, "*layers.#.mlp.router.weight"},
    {Role::router_map_bias, "*layers.#.mlp.router.bias"},
    {Role::expert_gate_up, "*layers.#.mlp.experts.gate_up_proj", Layout::transposed},
    {Role::expert_gate_up_bias, "*layers.#.mlp.experts.gate_up_proj_bias"},
    {Role::expert_down, "*layers.#.mlp.experts.down_proj", Layout::transposed},
    {Role::expert_down_bias, "*layers.#.mlp.experts.down_proj_bias"},
    {Role::expert_gate_up_blocks, "*layers.#.mlp.experts.gate_up_proj_blocks"},
    {Role::expert_gate_up_scales, "*layers.#.mlp.experts.gate_up_proj_scales"},
    {Role::expert_down_blocks, "*layers.#.mlp.experts.down_proj_blocks"},
    {Role::expert_down_scales, "*layers.#.mlp.experts.down_proj_scales"},
});
constexpr auto kGgufNames = std::to_array<TensorName>({{Role::ffn_norm, "blk.#.post_attention_norm.weight"}});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  // The files do not say that YaRN's range is not rounded to whole dimensions.
  if (config.contains("rope_scaling")) config["rope_scaling"]["truncate"] = false;
  return gguf_copy_window(file, config);
}

}  // namespace

extern const Family kGptOss;  // the list's
const Family kGptOss = {
    .model_type = "gpt_oss",
    .known_as = "gpt-oss 20B, 120B",
    .spec = gpt_oss,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "gpt-oss", .names = kGgufNames, .adapt = adapt_gguf},
};

}  // namespace continuo
