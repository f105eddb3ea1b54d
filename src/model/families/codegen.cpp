// CodeGen: GPT-J whose queries, values and keys are made by one matrix, in four blocks of heads. Nijkamp et al. 2022,
// arXiv:2203.13474.
#include <fmt/format.h>

#include <array>

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

constexpr int kBlocks = 4;

Result<ModelSpec> codegen(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_name = "n_positions"}));
  spec.output_bias = true;
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  if (mixer.n_heads % kBlocks != 0) return p.wrong("n_heads", fmt::format("a multiple of {}", kBlocks));
  mixer.n_kv_heads = mixer.n_heads;
  mixer.grouped_qkv = true;
  mixer.qkv_blocks = kBlocks;
  CONTINUO_TRY(const int rotary_dim, p.count_or("rotary_dim", 64));
  if (rotary_dim % 2 != 0 || rotary_dim > mixer.head_dim || p.is_null("rotary_dim")) {
    return model_error(p.file(),
                       fmt::format("heads of {} values, of which 'rotary_dim' turns {}, expected an even part",
                                   mixer.head_dim, rotary_dim));
  }
  mixer.rope = RopeSpec{.rotary_dim = rotary_dim, .interleaved = true, .scaling = {}};
  CONTINUO_TRY(const FeedForwardSpec feed,
               plain_feed(p, {.d_ff = 4 * spec.d_model, .gated = false, .bias = true}, "gelu_new"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(
      fill_layers(p, spec, {.order = LayerSpec::Order::parallel, .mixer_norm = norm, .mixer = mixer, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::mixer_norm_bias, "*h.#.ln_1.bias"},
    {Role::attention_qkv, "*h.#.attn.qkv_proj.weight"},
    {Role::attention_out, "*h.#.attn.out_proj.weight"},
    {Role::ffn_up, "*h.#.mlp.fc_in.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.fc_in.bias"},
    {Role::ffn_down, "*h.#.mlp.fc_out.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.fc_out.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
    {Role::output_bias, "lm_head.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
constexpr auto kIgnored =
    std::to_array<std::string_view>({"*h.#.attn.causal_mask", "*h.#.attn.bias", "*h.#.attn.masked_bias"});

}  // namespace

extern const Family kCodegen;  // the list's
const Family kCodegen = {
    .model_type = "codegen",
    .known_as = "CodeGen",
    .spec = codegen,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
