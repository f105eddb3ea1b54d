// The decoder of ModernBERT's kind (Ettin): layer norms, a gated network in one matrix, a window in two layers of
// three, and a head before the output matrix. Weller et al. 2025, arXiv:2507.11412.
#include "model/families/llama.h"
#include "model/families/modernbert.h"

namespace continuo {

namespace {

Result<void> set_attention_kinds(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const int local, p.count_or("local_attention", p.is_null("local_attention") ? 0 : 128));
  CONTINUO_TRY(const int every, p.count_or("full_attention_every", 3));
  CONTINUO_TRY_VOID(set_windows(p, spec, local / 2, [&](int layer) { return layer % every != 0; }));
  CONTINUO_TRY(const double full_theta, p.number_or("global_rope_theta", 160000, kFromOne));
  CONTINUO_TRY(const double local_theta, p.number_or("local_rope_theta", 10000, kFromOne));
  CONTINUO_TRY(const RopesByKind ropes,
               ropes_by_kind(p, attention_of(spec.layers.front()).head_dim, spec.context_length, {.theta = full_theta},
                             {.theta = local_theta}));
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.rope = attention.window > 0 ? ropes.sliding : ropes.full;
  }
  return {};
}

}  // namespace

Result<ModelSpec> modernbert_decoder_spec(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 8192}));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.n_kv_heads = mixer.n_heads;
  CONTINUO_TRY(mixer.qkv_bias, p.flag_or("attention_bias", false));
  mixer.out_bias = mixer.qkv_bias;
  FeedForwardSpec feed;
  CONTINUO_TRY(feed.d_ff, p.count("d_ff"));
  CONTINUO_TRY(feed.activation, activation(p, "gelu", "hidden_activation"));
  CONTINUO_TRY(feed.bias, p.flag_or("mlp_bias", false));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  CONTINUO_TRY(const bool norm_bias, p.flag_or("norm_bias", false));
  const LayerNormSpec norm{.eps = eps, .bias = norm_bias};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.layers.front().mixer_norm.reset();  // the embeddings are normalized
  CONTINUO_TRY_VOID(set_attention_kinds(p, spec));
  spec.embedding_norm = norm;
  spec.final_norm = norm;
  OutputHeadSpec head{.norm = norm};
  CONTINUO_TRY(head.bias, p.flag_or("head_bias", false));
  CONTINUO_TRY(head.activation, activation(p, "gelu", "head_activation"));
  spec.output_head = head;
  CONTINUO_TRY(spec.output_bias, p.flag_or("output_bias", true));
  return spec;
}

namespace {

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.tok_embeddings.weight"},
    {Role::embedding_norm, "*embeddings.norm.weight"},
    {Role::embedding_norm_bias, "*embeddings.norm.bias"},
    {Role::mixer_norm, "*layers.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "*layers.#.attn_norm.bias"},
    {Role::attention_q, "*layers.#.attn.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.attn.q_proj.bias"},
    {Role::attention_k, "*layers.#.attn.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.attn.k_proj.bias"},
    {Role::attention_v, "*layers.#.attn.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.attn.v_proj.bias"},
    {Role::attention_out, "*layers.#.attn.Wo.weight"},
    {Role::attention_out_bias, "*layers.#.attn.Wo.bias"},
    {Role::ffn_norm, "*layers.#.mlp_norm.weight"},
    {Role::ffn_norm_bias, "*layers.#.mlp_norm.bias"},
    {Role::ffn_gate_up, "*layers.#.mlp.Wi.weight"},
    {Role::ffn_gate_up_bias, "*layers.#.mlp.Wi.bias"},
    {Role::ffn_down, "*layers.#.mlp.Wo.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp.Wo.bias"},
    {Role::final_norm, "*final_norm.weight"},
    {Role::final_norm_bias, "*final_norm.bias"},
    {Role::output_head, "lm_head.dense.weight"},
    {Role::output_head_bias, "lm_head.dense.bias"},
    {Role::output_head_norm, "lm_head.norm.weight"},
    {Role::output_head_norm_bias, "lm_head.norm.bias"},
    {Role::output, "decoder.weight"},
    {Role::output_bias, "decoder.bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", ""});

}  // namespace

extern const Family kModernbertDecoder;  // the list's
const Family kModernbertDecoder = {
    .model_type = "modernbert-decoder",
    .known_as = "Ettin decoders",
    .spec = modernbert_decoder_spec,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
