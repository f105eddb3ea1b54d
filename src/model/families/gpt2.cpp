// GPT-2: pre-norm blocks with learned positions, full attention and a plain feed-forward. Radford et al.
// 2019, "Language Models are Unsupervised Multitask Learners".
#include <array>
#include <cmath>

#include "model/families.h"

namespace continuo {

namespace {

Result<AttentionSpec> attention(const HyperParameters& p, int d_model) {
  AttentionSpec spec{.qkv_bias = true, .out_bias = true, .rope = {}};
  CONTINUO_TRY(spec.n_heads, p.count("n_heads"));
  spec.n_kv_heads = spec.n_heads;
  CONTINUO_TRY(spec.head_dim, even_head_dim(p, d_model, spec.n_heads));
  CONTINUO_TRY(const bool by_head_dim, p.flag_or("scale_by_head_dim", true));
  spec.scale = by_head_dim ? 1 / std::sqrt(static_cast<float>(spec.head_dim)) : 1;
  CONTINUO_TRY(const bool cross_attention, p.flag_or("cross_attention", false));
  if (cross_attention) return p.wrong("cross_attention", "false: there is no encoder to attend to");
  return spec;
}

Result<ModelSpec> gpt2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, true));
  spec.positions = LearnedPositions{spec.context_length};
  CONTINUO_TRY(AttentionSpec mixer, attention(p, spec.d_model));

  FeedForwardSpec feed{.d_ff = 0, .activation = Activation::gelu_tanh, .gated = false, .bias = true};
  CONTINUO_TRY(feed.d_ff, p.count_or("d_ff", 4 * spec.d_model));
  CONTINUO_TRY(feed.activation, activation(p, "gelu_new"));

  CONTINUO_TRY(const double eps, p.number_or("norm_eps", 1e-5, kZeroToOne));
  const LayerNormSpec norm{static_cast<float>(eps), true};
  CONTINUO_TRY(const int n_layers, p.count("n_layers", kMaxLayers));
  CONTINUO_TRY(const bool by_layer, p.flag_or("scale_by_layer", false));
  const float scale = mixer.scale;
  for (int layer = 0; layer < n_layers; ++layer) {
    if (by_layer) mixer.scale = scale / static_cast<float>(layer + 1);
    spec.layers.push_back(LayerSpec{.mixer_norm = norm, .mixer = mixer, .feed_norm = norm, .feed = feed});
  }
  spec.final_norm = norm;
  return spec;
}

// Conv1D keeps its weights as [inputs, outputs].
constexpr std::array<TensorName, 17> kTensors = {{
    {Role::embedding, "*wte.weight"},
    {Role::learned_positions, "*wpe.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::mixer_norm_bias, "*h.#.ln_1.bias"},
    {Role::attention_qkv, "*h.#.attn.c_attn.weight", Layout::in_major},
    {Role::attention_qkv_bias, "*h.#.attn.c_attn.bias"},
    {Role::attention_out, "*h.#.attn.c_proj.weight", Layout::in_major},
    {Role::attention_out_bias, "*h.#.attn.c_proj.bias"},
    {Role::feed_norm, "*h.#.ln_2.weight"},
    {Role::feed_norm_bias, "*h.#.ln_2.bias"},
    {Role::feed_up, "*h.#.mlp.c_fc.weight", Layout::in_major},
    {Role::feed_up_bias, "*h.#.mlp.c_fc.bias"},
    {Role::feed_down, "*h.#.mlp.c_proj.weight", Layout::in_major},
    {Role::feed_down_bias, "*h.#.mlp.c_proj.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
}};
constexpr std::array<std::string_view, 2> kPrefixes = {"transformer.", ""};
// The causal mask and the value it hides with.
constexpr std::array<std::string_view, 2> kIgnored = {"*h.#.attn.bias", "*h.#.attn.masked_bias"};

}  // namespace

extern const Family kGpt2;  // the list's
const Family kGpt2 = {"gpt2", gpt2, kTensors, kPrefixes, kIgnored};

}  // namespace continuo
