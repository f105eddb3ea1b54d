// Qwen3.5, the text model: Qwen3-Next with dense feed-forward networks and delta nets whose maps stand apart.
// Qwen team 2026.
#include "model/families/qwen3_next.h"
#include "model/gguf_numbers.h"
#include "base/json.h"

namespace continuo {

namespace {

Result<ModelSpec> qwen3_5_text(const HyperParameters& p) { return qwen3_next_spec(p, false); }

constexpr LlamaNames kTensors({
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::delta_qkv, "*layers.#.linear_attn.in_proj_qkv.weight"},
    {Role::delta_z, "*layers.#.linear_attn.in_proj_z.weight"},
    {Role::delta_b, "*layers.#.linear_attn.in_proj_b.weight"},
    {Role::delta_a, "*layers.#.linear_attn.in_proj_a.weight"},
    {Role::conv_filters, "*layers.#.linear_attn.conv1d.weight"},
    {Role::delta_decay, "*layers.#.linear_attn.A_log"},
    {Role::delta_dt_bias, "*layers.#.linear_attn.dt_bias"},
    {Role::delta_norm, "*layers.#.linear_attn.norm.weight"},
    {Role::delta_out, "*layers.#.linear_attn.out_proj.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", "model.language_model.", "language_model.", ""});

// Value heads stand in another order there.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  config["gguf_tiled_heads"] = true;
  return adapt_gguf_qwen3_next(file, config);
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  write_gguf_qwen3_next(spec, into);
  // Positions in a picture would turn sections of their own; in text all are the same.
  const AttentionSpec* const attention = first_attention(spec);
  const int pairs = attention && attention->rope ? attention->rope->rotary_dim / 2 : 0;
  into.set("rope.dimension_sections", std::vector<std::int32_t>{pairs - 2 * (pairs / 3), pairs / 3, pairs / 3, 0});
}

}  // namespace

extern const Family kQwen35Text;  // the list's
const Family kQwen35Text = {
    .model_type = "qwen3_5_text",
    .known_as = "Qwen3.5",
    .spec = qwen3_5_text,
    .names = {kTensors, kPrefixes, kQwenIgnored},
    .gguf = {.architecture = "qwen35",
             .names = kGgufDeltaNames,
             .adapt = adapt_gguf,
             .tiled_heads = true,
             .write = write_gguf},
};

}  // namespace continuo
