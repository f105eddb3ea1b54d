// Qwen3-Next: gated delta nets and gated attention, with experts. Qwen team 2025, qwen.ai/blog (Qwen3-Next).
#include <fmt/format.h>
#include "model/families/qwen3_next.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

Result<ModelSpec> qwen3_next_spec(const HyperParameters& p, bool grouped) {
  CONTINUO_TRY_VOID(
      expect_flag(p, "value_gate", true, "attention without a gate is not supported for this kind of model"));
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 32768},
                                              .head_dim = 256,
                                              .rope = {.share = 0.25, .share_is_free = true}}));
  const RmsNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .unit_offset = true};
  spec.final_norm = norm;
  set_head_norms(spec, norm);
  CONTINUO_TRY(const int interval, p.count_or("full_attention_interval", 4));
  CONTINUO_TRY(const std::vector<bool> full, full_attention_layers(p, spec.layers.size(), interval));
  CONTINUO_TRY(DeltaNetSpec delta, delta_net_spec(p, {}));
  delta.grouped = grouped;
  CONTINUO_TRY(delta.tiled, p.flag_or("tiled_heads", false));
  delta.norm_eps = norm.eps;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.mixer_norm = layer.ffn_norm = norm;
    attention_of(layer).output_gate = AttentionSpec::OutputGate::value;
    if (!full[i]) layer.mixer = delta;
  }
  return spec;
}

Result<void> adapt_gguf_qwen3_next(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const int d_inner, gguf_whole(file, "ssm.inner_size"));
  CONTINUO_TRY(const int n_value_heads, gguf_whole(file, "ssm.time_step_rank"));
  if (d_inner % n_value_heads != 0)
    return gguf_wrong(file, "ssm.time_step_rank",
                      fmt::format("is {}, expected a divisor of {}", n_value_heads, d_inner));
  config["linear_num_value_heads"] = n_value_heads;
  config["linear_value_head_dim"] = d_inner / n_value_heads;
  CONTINUO_TRY(config["linear_num_key_heads"], gguf_whole(file, "ssm.group_count"));
  CONTINUO_TRY(config["linear_key_head_dim"], gguf_whole(file, "ssm.state_size"));
  CONTINUO_TRY(config["linear_conv_kernel_dim"], gguf_whole(file, "ssm.conv_kernel"));
  // Text alone has the same position in every section.
  gguf_value(file, "rope.dimension_sections");
  CONTINUO_TRY_VOID(gguf_copy(file, "full_attention_interval", config, "full_attention_interval"));
  if (!gguf_value(file, "attention.recurrent_layers")) return {};
  CONTINUO_TRY(const std::vector<int> recurrent, gguf_by_layer(file, "attention.recurrent_layers"));
  for (const int each : recurrent) config["layer_types"].push_back(each ? "linear_attention" : "full_attention");
  return {};
}

void write_gguf_qwen3_next(const ModelSpec& spec, GgufNumbers& into) {
  if (const AttentionSpec* const attention = first_attention(spec))
    into.set("attention.head_count_kv", attention->n_kv_heads);
  std::vector<bool> recurrent;
  for (const LayerSpec& layer : spec.layers) recurrent.push_back(std::holds_alternative<DeltaNetSpec>(layer.mixer));
  // An interval where one says it: of layers with attention, the last of each.
  const auto first = static_cast<std::size_t>(std::find(recurrent.begin(), recurrent.end(), false) - recurrent.begin());
  bool regular = true;
  for (std::size_t i = 0; i < recurrent.size(); ++i) regular = regular && recurrent[i] == ((i + 1) % (first + 1) != 0);
  if (regular) into.set("full_attention_interval", static_cast<int>(first + 1));
  if (!regular) into.set("attention.recurrent_layers", std::move(recurrent));
}

namespace {

Result<ModelSpec> qwen3_next(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, qwen3_next_spec(p, true));
  CONTINUO_TRY_VOID(set_qwen_experts(p, spec, 512, 512, true));
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::delta_qkvz, "*layers.#.linear_attn.in_proj_qkvz.weight"},
    {Role::delta_ba, "*layers.#.linear_attn.in_proj_ba.weight"},
    {Role::conv_filters, "*layers.#.linear_attn.conv1d.weight"},
    {Role::delta_decay, "*layers.#.linear_attn.A_log"},
    {Role::delta_dt_bias, "*layers.#.linear_attn.dt_bias"},
    {Role::delta_norm, "*layers.#.linear_attn.norm.weight"},
    {Role::delta_out, "*layers.#.linear_attn.out_proj.weight"},
    {Role::router, "*layers.#.mlp.gate.weight"},
    {Role::expert_gate, "*layers.#.mlp.experts.@.gate_proj.weight"},
    {Role::expert_up, "*layers.#.mlp.experts.@.up_proj.weight"},
    {Role::expert_down, "*layers.#.mlp.experts.@.down_proj.weight"},
    kStackedExperts[1],
    kStackedExperts[2],
    {Role::shared_gate, "*layers.#.mlp.shared_expert.gate_proj.weight"},
    {Role::shared_up, "*layers.#.mlp.shared_expert.up_proj.weight"},
    {Role::shared_down, "*layers.#.mlp.shared_expert.down_proj.weight"},
    {Role::shared_router, "*layers.#.mlp.shared_expert_gate.weight"},
});

}  // namespace

extern const Family kQwen3Next;  // the list's
const Family kQwen3Next = {
    .model_type = "qwen3_next",
    .known_as = "Qwen3-Next",
    .spec = qwen3_next,
    .names = {kTensors, kLlamaPrefixes, kQwenIgnored},
    .gguf = {.architecture = "qwen3next",
             .names = kGgufDeltaNames,
             .adapt = adapt_gguf_qwen3_next,
             .write = write_gguf_qwen3_next},
};

}  // namespace continuo
