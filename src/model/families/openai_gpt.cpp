// GPT: the first one, with norms after each part and learned positions. Radford et al. 2018, "Improving Language
// Understanding by Generative Pre-Training".
#include <array>

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

// These files call the tanh form "gelu".
Result<Activation> activation_of(const HyperParameters& p) {
  CONTINUO_TRY(const std::string stated, p.text_or("short_activation", "gelu"));
  if (std::string_view(stated) == "gelu") return Activation::gelu_tanh;
  if (std::string_view(stated) == "relu") return Activation::relu;
  if (std::string_view(stated) == "silu" || std::string_view(stated) == "swish") return Activation::silu;
  return p.wrong("short_activation", "one of gelu, relu, silu, swish");
}

Result<ModelSpec> openai_gpt(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               plain_spec(p, {.tied_output = true, .context_length = 512, .context_name = "n_positions"}));
  spec.positions = LearnedPositions{.count = spec.context_length};
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.qkv_bias = mixer.out_bias = true;
  FeedForwardSpec feed{.d_ff = 4 * spec.d_model, .gated = false, .bias = true};
  CONTINUO_TRY(feed.activation, activation_of(p));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(
      p, spec,
      {.order = LayerSpec::Order::post_norm, .mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  return spec;
}

// Conv1D keeps its weights as [inputs, outputs].
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*tokens_embed.weight"},
    {Role::learned_positions, "*positions_embed.weight"},
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
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
// The causal mask, and the numbers of the positions.
constexpr auto kIgnored = std::to_array<std::string_view>({"*h.#.attn.bias", "*position_ids"});

}  // namespace

extern const Family kOpenaiGpt;  // the list's
const Family kOpenaiGpt = {
    .model_type = "openai-gpt",
    .known_as = "GPT (1)",
    .spec = openai_gpt,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
