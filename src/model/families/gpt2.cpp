// GPT-2: pre-norm blocks with learned positions, full attention and a plain feed-forward. Radford et al.
// 2019, "Language Models are Unsupervised Multitask Learners".
#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

Result<ModelSpec> gpt2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true}));
  spec.positions = LearnedPositions{.count = spec.context_length};
  CONTINUO_TRY_VOID(expect_flag(p, "cross_attention", false, "there is no encoder to attend to"));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(const bool by_head_dim, p.flag_or("scale_by_head_dim", true));
  if (!by_head_dim) mixer.scale = 1;

  CONTINUO_TRY(const FeedForwardSpec feed,
               plain_feed(p, {.d_ff = 4 * spec.d_model, .gated = false, .bias = true}, "gelu_new"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;

  CONTINUO_TRY(const bool by_layer, p.flag_or("scale_by_layer", false));
  for (std::size_t i = 0; by_layer && i < spec.layers.size(); ++i)
    attention_of(spec.layers[i]).scale /= static_cast<float>(i + 1);
  return spec;
}

// Conv1D keeps its weights as [inputs, outputs].
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::learned_positions, "*wpe.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::mixer_norm_bias, "*h.#.ln_1.bias"},
    {Role::attention_qkv, "*h.#.attn.c_attn.weight", Layout::transposed},
    {Role::attention_qkv_bias, "*h.#.attn.c_attn.bias"},
    {Role::attention_out, "*h.#.attn.c_proj.weight", Layout::transposed},
    {Role::attention_out_bias, "*h.#.attn.c_proj.bias"},
    {Role::ffn_norm, "*h.#.ln_2.weight"},
    {Role::ffn_norm_bias, "*h.#.ln_2.bias"},
    {Role::ffn_up, "*h.#.mlp.c_fc.weight", Layout::transposed},
    {Role::ffn_up_bias, "*h.#.mlp.c_fc.bias"},
    {Role::ffn_down, "*h.#.mlp.c_proj.weight", Layout::transposed},
    {Role::ffn_down_bias, "*h.#.mlp.c_proj.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
// The causal mask and the value it hides with.
constexpr auto kIgnored = std::to_array<std::string_view>({"*h.#.attn.bias", "*h.#.attn.masked_bias"});

}  // namespace

extern const Family kGpt2;  // the list's
const Family kGpt2 = {
    .model_type = "gpt2",
    .known_as = "GPT-2, DistilGPT-2, DialoGPT",
    .spec = gpt2,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "gpt2", .fused_qkv = true},
};

}  // namespace continuo
