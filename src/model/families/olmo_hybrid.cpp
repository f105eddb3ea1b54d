// OLMo Hybrid: gated delta nets with norms before each part, and OLMo 2's attention in every fourth layer.
// OLMo team 2026.
#include "model/families/delta_net.h"

namespace continuo {

namespace {

constexpr float kGatedNormEps = 1e-5f;  // whatever the file says for the other norms

// Files that say null for "rope_theta" have no positions.
Result<std::optional<RopeSpec>> rope_of(const HyperParameters& p, int head_dim, int context_length) {
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const bool inside, section.has("rope_theta"));
  CONTINUO_TRY(const bool outside, p.has("rope_theta"));
  const bool null = section.is_null("rope_theta") || p.is_null("rope_theta");
  if (null && !inside && !outside) return std::optional<RopeSpec>();
  CONTINUO_TRY(RopeSpec rope, rope_spec(p, head_dim, context_length));
  return std::optional(std::move(rope));
}

Result<DeltaNetSpec> delta_net(const HyperParameters& p, const ModelSpec& spec, int n_heads) {
  DeltaNetDefaults defaults{.n_key_heads = n_heads, .n_value_heads = n_heads, .value_dim = 0};
  CONTINUO_TRY(const int n_key_heads, p.count_or("n_key_heads", n_heads, kMaxHeads));
  defaults.key_dim = static_cast<int>(0.75 * spec.d_model / n_key_heads);
  if (defaults.key_dim == 0) defaults.key_dim = 1;  // unless the file says more
  CONTINUO_TRY(DeltaNetSpec delta, delta_net_spec(p, defaults));
  CONTINUO_TRY(delta.negative_eigenvalues, p.flag_or("negative_eigenvalues", true));
  delta.norm_eps = kGatedNormEps;
  return delta;
}

Result<ModelSpec> olmo_hybrid(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 65536}, .ropes_differ = true}));
  AttentionSpec attention = attention_of(spec.layers.front());
  CONTINUO_TRY(attention.rope, rope_of(p, attention.head_dim, spec.context_length));
  if (attention.rope) {
    CONTINUO_TRY(spec.context_length, scaled_context(p, *attention.rope, spec.context_length));
  }
  attention.qk_norm = QkNormSpec{*spec.final_norm, QkNormSpec::Span::all_heads};
  CONTINUO_TRY(const DeltaNetSpec delta, delta_net(p, spec, attention.n_heads));
  CONTINUO_TRY(std::vector<bool> full, full_attention_layers(p, spec.layers.size(), 4));
  // Fewer layers than that: the last one.
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  if (!listed && full.size() < 4) full.back() = true;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    if (full[i]) {
      layer.mixer = attention;
      layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
      layer.mixer_norm.reset();
      layer.ffn_norm.reset();
    } else {
      layer.mixer = delta;
    }
  }
  return spec;
}

// Layers with a delta net and with attention use some names for different norms; files have the names of one
// row or of the other.
constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.attention_layer_norm.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::ffn_norm, "*layers.#.feedforward_layer_norm.weight"},
    {Role::ffn_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::post_mixer_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::post_mixer_norm, "*layers.#.feedforward_layer_norm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_feedforward_layernorm.weight"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::delta_q, "*layers.#.linear_attn.q_proj.weight"},
    {Role::delta_k, "*layers.#.linear_attn.k_proj.weight"},
    {Role::delta_v, "*layers.#.linear_attn.v_proj.weight"},
    {Role::delta_z, "*layers.#.linear_attn.g_proj.weight"},
    {Role::delta_b, "*layers.#.linear_attn.b_proj.weight"},
    {Role::delta_a, "*layers.#.linear_attn.a_proj.weight"},
    {Role::conv_filters, "*layers.#.linear_attn.conv1d.weight"},
    {Role::delta_q_filters, "*layers.#.linear_attn.q_conv1d.weight"},
    {Role::delta_k_filters, "*layers.#.linear_attn.k_conv1d.weight"},
    {Role::delta_v_filters, "*layers.#.linear_attn.v_conv1d.weight"},
    {Role::delta_decay, "*layers.#.linear_attn.A_log"},
    {Role::delta_dt_bias, "*layers.#.linear_attn.dt_bias"},
    {Role::delta_norm, "*layers.#.linear_attn.o_norm.weight"},
    {Role::delta_out, "*layers.#.linear_attn.o_proj.weight"},
});

}  // namespace

extern const Family kOlmoHybrid;  // the list's
const Family kOlmoHybrid = {
    .model_type = "olmo_hybrid",
    .known_as = "OLMo Hybrid",
    .spec = olmo_hybrid,
    .names = llama_names(kTensors),
};

}  // namespace continuo
