// Phi-3 (and Phi-4): Llama with fused matrices, longrope, and a window. Abdin et al. 2024, arXiv:2404.14219.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> phi3(const HyperParameters& p) {
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const std::string kind, section.text_or("rope_type", "default"));
  if (kind != "default" && kind != "longrope" && kind != "su") {
    return section.wrong("rope_type", "one of default, longrope, su");
  }
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.norm_eps = 1e-5, .rope = {.share_is_free = true}}));
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::attention_qkv, "*layers.#.self_attn.qkv_proj.weight"},
    {Role::attention_qkv_bias, "*layers.#.self_attn.qkv_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.o_proj.weight"},
    {Role::attention_out_bias, "*layers.#.self_attn.o_proj.bias"},
    {Role::ffn_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_gate_up, "*layers.#.mlp.gate_up_proj.weight"},
    {Role::ffn_down, "*layers.#.mlp.down_proj.weight"},
    {Role::final_norm, "*norm.weight"},
    {Role::output, "lm_head.weight"},
});

constexpr auto kGgufNames = std::to_array<TensorName>({{Role::ffn_gate_up, "blk.#.ffn_up.weight"}});

}  // namespace

extern const Family kPhi3;  // the list's
const Family kPhi3 = {
    .model_type = "phi3",
    .known_as = "Phi-3, Phi-3.5-mini, Phi-4, Phi-4-mini",
    .spec = phi3,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "phi3", .names = kGgufNames, .adapt = gguf_copy_window, .fused_qkv = true},
};

}  // namespace continuo
