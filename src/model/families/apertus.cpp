// Apertus: Llama with norms of queries and keys and an ungated network with a learned activation, xIELU. Swiss AI
// Initiative 2025, arXiv:2509.14233.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> apertus(const HyperParameters& p) {
  CONTINUO_TRY(const bool ropes, p.has("rope_section"));
  if (!ropes) return model_error(p.file(), "'rope_parameters' or 'rope_scaling' is missing");
  CONTINUO_TRY(const std::string stated, p.text_or("activation", "xielu"));
  if (std::string_view(stated) != "xielu") return p.wrong("activation", "xielu");
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 65536}));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("attention_bias", false));
  mixer.out_bias = mixer.qkv_bias;
  CONTINUO_TRY(mixer.rope, rope_spec(p, mixer.head_dim, spec.context_length, {.theta = 12e6}));
  CONTINUO_TRY(spec.context_length, scaled_context(p, *mixer.rope, spec.context_length));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const RmsNormSpec norm{.eps = eps};
  mixer.qk_norm = QkNormSpec{norm, QkNormSpec::Span::head};
  FeedForwardSpec feed{.activation = Activation::xielu, .gated = false};
  CONTINUO_TRY(feed.d_ff, p.count("d_ff"));
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.attention_layernorm.weight"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::ffn_norm, "*layers.#.feedforward_layernorm.weight"},
    {Role::xielu_alpha_p, "*layers.#.mlp.act_fn.alpha_p"},
    {Role::xielu_alpha_n, "*layers.#.mlp.act_fn.alpha_n"},
    {Role::xielu_beta, "*layers.#.mlp.act_fn.beta"},
    {Role::xielu_eps, "*layers.#.mlp.act_fn.eps"},
});

}  // namespace

extern const Family kApertus;  // the list's
const Family kApertus = {
    .model_type = "apertus",
    .known_as = "Apertus",
    .spec = apertus,
    .names = llama_names(kTensors),
};

}  // namespace continuo
