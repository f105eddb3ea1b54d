// Bamba: Mamba-2 layers, and attention in a few. IBM, Princeton, CMU and UIUC 2024,
// github.com/foundation-model-stack/bamba.
#include "model/families/llama.h"
#include "model/families/mamba.h"

namespace continuo {

namespace {

Result<ModelSpec> bamba(const HyperParameters& p) {
  CONTINUO_TRY(
      ModelSpec spec,
      llama_spec(p,
                 {.plain = {.context_length = 262144}, .norm_eps = 1e-5, .rope = {.share = 0.5}, .feed_bias = true}));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  CONTINUO_TRY(const int d_inner, expanded_width(p, "mamba_expand", spec.d_model));
  CONTINUO_TRY(const Mamba2Spec mamba, hybrid_mamba2_mixer(p, d_inner, eps));
  CONTINUO_TRY(const std::vector<int> indices, p.indices("attention_layers"));
  std::vector<bool> attends(spec.layers.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto layer = static_cast<std::size_t>(indices[i]);
    if (layer >= attends.size()) return p.wrong_item("attention_layers", i, "a layer's index");
    attends[layer] = true;
  }
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!attends[i]) spec.layers[i].mixer = mamba;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    CONTINUO_MAMBA2_TENSORS("mamba"),
    {Role::ffn_norm, "*layers.#.pre_ff_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.gate_proj.weight"},
    {Role::ffn_gate_bias, "*layers.#.feed_forward.gate_proj.bias"},
    {Role::ffn_up, "*layers.#.feed_forward.up_proj.weight"},
    {Role::ffn_up_bias, "*layers.#.feed_forward.up_proj.bias"},
    {Role::ffn_down, "*layers.#.feed_forward.down_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.feed_forward.down_proj.bias"},
    {Role::final_norm, "*final_layernorm.weight"},
});

}  // namespace

extern const Family kBamba;  // the list's
const Family kBamba = {
    .model_type = "bamba",
    .known_as = "Bamba",
    .spec = bamba,
    .names = llama_names(kTensors),
    .gguf = {.written_as = [](const ModelSpec&) { return std::string_view("granitehybrid"); }},
};

}  // namespace continuo
