// EXAONE 3: Llama under names of its own. LG AI Research 2024, arXiv:2408.03541.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> exaone(const HyperParameters& p) {
  return llama_spec(p, {.norm_eps = 1e-5, .rope = {.theta = 5e5}, .feed_bias = true});
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::attention_q, "*h.#.attn.attention.q_proj.weight"},
    {Role::attention_q_bias, "*h.#.attn.attention.q_proj.bias"},
    {Role::attention_k, "*h.#.attn.attention.k_proj.weight"},
    {Role::attention_k_bias, "*h.#.attn.attention.k_proj.bias"},
    {Role::attention_v, "*h.#.attn.attention.v_proj.weight"},
    {Role::attention_v_bias, "*h.#.attn.attention.v_proj.bias"},
    {Role::attention_out, "*h.#.attn.attention.out_proj.weight"},
    {Role::attention_out_bias, "*h.#.attn.attention.out_proj.bias"},
    {Role::ffn_norm, "*h.#.ln_2.weight"},
    {Role::ffn_gate, "*h.#.mlp.c_fc_0.weight"},
    {Role::ffn_gate_bias, "*h.#.mlp.c_fc_0.bias"},
    {Role::ffn_up, "*h.#.mlp.c_fc_1.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.c_fc_1.bias"},
    {Role::ffn_down, "*h.#.mlp.c_proj.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.c_proj.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"*rotary.inv_freq", "*h.#.attn.attention.rotary.inv_freq"});

}  // namespace

extern const Family kExaone;  // the list's
const Family kExaone = {
    .model_type = "exaone",
    .known_as = "EXAONE 3, 3.5, Deep",
    .spec = exaone,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "exaone"},
};

}  // namespace continuo
