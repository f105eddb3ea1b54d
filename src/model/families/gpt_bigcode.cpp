// GPT-BigCode (SantaCoder, StarCoder): GPT-2 whose heads share one key and one value (Shazeer 2019, arXiv:1911.02150).
// Ben Allal et al. 2023, arXiv:2301.03988; Li et al. 2023, arXiv:2305.06161.
#include <array>

#include "model/families.h"
#include "model/family_parts.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> gpt_bigcode(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_name = "n_positions"}));
  spec.positions = LearnedPositions{.count = spec.context_length};
  CONTINUO_TRY_VOID(expect_flag(p, "cross_attention", false, "there is no encoder to attend to"));
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  CONTINUO_TRY(const bool multi_query, p.flag_or("multi_query", true));
  mixer.n_kv_heads = multi_query ? 1 : mixer.n_heads;
  mixer.grouped_qkv = !multi_query;
  mixer.qkv_bias = mixer.out_bias = true;
  CONTINUO_TRY(const bool by_head_dim, p.flag_or("scale_by_head_dim", true));
  if (!by_head_dim) mixer.scale = 1;

  CONTINUO_TRY(const FeedForwardSpec feed,
               plain_feed(p, {.d_ff = 4 * spec.d_model, .gated = false, .bias = true}, "gelu_pytorch_tanh"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::learned_positions, "*wpe.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::mixer_norm_bias, "*h.#.ln_1.bias"},
    {Role::attention_qkv, "*h.#.attn.c_attn.weight"},
    {Role::attention_qkv_bias, "*h.#.attn.c_attn.bias"},
    {Role::attention_out, "*h.#.attn.c_proj.weight"},
    {Role::attention_out_bias, "*h.#.attn.c_proj.bias"},
    {Role::ffn_norm, "*h.#.ln_2.weight"},
    {Role::ffn_norm_bias, "*h.#.ln_2.bias"},
    {Role::ffn_up, "*h.#.mlp.c_fc.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.c_fc.bias"},
    {Role::ffn_down, "*h.#.mlp.c_proj.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.c_proj.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"*h.#.attn.bias", "*h.#.attn.masked_bias"});

// These files know queries that share one key alone.
Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["multi_query"] = true;
  config["n_positions"] = config["max_position_embeddings"];
  config.erase("num_key_value_heads");
  return {};
}

}  // namespace

extern const Family kGptBigcode;  // the list's
const Family kGptBigcode = {
    .model_type = "gpt_bigcode",
    .known_as = "StarCoder, SantaCoder, tiny_starcoder",
    .spec = gpt_bigcode,
    .names = {kTensors, kPrefixes, kIgnored},
    .gguf = {.architecture = "starcoder", .adapt = adapt_gguf, .fused_qkv = true},
};

}  // namespace continuo
