// Gemma 3, text only (270M, 1B): Gemma 2 with norms of queries and keys for caps; five layers in six look
// back through a window and turn by a shorter wavelength. Gemma team 2025, arXiv:2503.19786.
#include "base/json.h"
#include "model/families/gemma.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> gemma3(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, gemma_spec(p, {.plain = {.context_length = 131072}, .ropes_differ = true}));
  CONTINUO_TRY_VOID(set_later_gemma(p, spec, {.score = 0, .logit = 0}));
  set_head_norms(spec, *spec.final_norm);
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY(const int pattern, p.count_or("window_pattern", 6));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int layer) { return (layer + 1) % pattern != 0; }));
  // Older files say "rope_theta" and "rope_scaling" of full attention, and "rope_local_base_freq" of windows.
  CONTINUO_TRY(const double local_theta, p.number_or("local_rope_theta", 1e4, kFromOne));
  CONTINUO_TRY(const RopesByKind both, ropes_by_kind(p, attention_of(spec.layers.front()).head_dim, spec.context_length,
                                                     {.theta = 1e6}, {.theta = local_theta}));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.rope = attention.window > 0 ? both.sliding : both.full;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    kGemmaNorms[0],
    kGemmaNorms[1],
    kGemmaNorms[2],
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  gguf_copy_layer_types(file, config);
  if (!config.contains("layer_types")) {
    CONTINUO_TRY_VOID(gguf_copy(file, "attention.sliding_window_pattern", config, "sliding_window_pattern"));
  }
  CONTINUO_TRY(const auto attention, gguf_number(file, "rope.scaling.attn_factor"));
  if (attention.value_or(1) != 1) {
    return gguf_wrong(file, "rope.scaling.attn_factor", "is not 1, which is not supported for this kind of model");
  }
  CONTINUO_TRY(const auto local_theta, gguf_number(file, "rope.freq_base_swa"));
  if (local_theta) config["rope_local_base_freq"] = *local_theta;
  return gguf_gemma_query_scale(file, config, 62);
}

}  // namespace

extern const Family kGemma3;  // the list's
const Family kGemma3 = {
    .model_type = "gemma3_text",
    .known_as = "Gemma 3 (270M, 1B, text of the larger ones)",
    .spec = gemma3,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "gemma3", .adapt = adapt_gguf, .write = set_window_pattern},
};

}  // namespace continuo
