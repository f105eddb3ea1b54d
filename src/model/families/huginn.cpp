// Huginn: a prelude makes e of the embedding; a core of layers is gone through many times, x = core(W [x, e]); a coda
// makes the output of it. Norms before each part and after its sum. Geiping et al. 2025, arXiv:2502.05171.
// The reference begins x with noise; here x begins with zeros, as the reference does where it is told init_scale 0.
#include <cmath>

#include "model/families/llama.h"

namespace continuo {

namespace {

Result<void> expect_text(const HyperParameters& p, std::string_view name, std::string_view expected) {
  CONTINUO_TRY(const std::string text, p.text_or(name, std::string(expected)));
  return text == expected ? Result<void>() : p.wrong(name, expected, "other kinds are not supported");
}

// Kinds of parts that files may name, and that nothing else is known of.
Result<void> expect_kinds(const HyperParameters& p) {
  CONTINUO_TRY_VOID(expect_text(p, "injection", "linear"));
  CONTINUO_TRY_VOID(expect_text(p, "block_kind", "SandwichBlock"));
  CONTINUO_TRY_VOID(expect_text(p, "raven_norm", "RMSNorm_llama"));
  CONTINUO_TRY_VOID(expect_text(p, "raven_ffn", "GatedMLP"));
  CONTINUO_TRY_VOID(expect_text(p, "raven_activation", "SiLU"));
  CONTINUO_TRY(const double noise, p.number_or("state_noise", 0, kFromZero));
  if (noise != 0) return p.wrong("state_noise", "0", "noise would make every answer another");
  return {};
}

LoopSpec loop(int n_prelude, int n_core, int n_coda, int loops) {
  const auto first = static_cast<std::size_t>(n_prelude), core = static_cast<std::size_t>(n_core),
             coda = static_cast<std::size_t>(n_coda);
  const Pass again{.keep = {}, .join = Pass::Join::map, .joined = 0, .layers = layer_range(first, core)};
  Pass begin = again;
  begin.keep = 0;
  begin.from_zero = true;
  return {.before = {{.layers = layer_range(0, first)}},
          .first = {begin},
          .again = {again},
          .after = {{.norm = true, .keep = {}, .layers = layer_range(first + core, coda)}},
          .loops = static_cast<std::size_t>(loops),
          .n_kept = 1};
}

Result<ModelSpec> huginn(const HyperParameters& p) {
  CONTINUO_TRY_VOID(expect_kinds(p));
  ModelSpec spec;
  CONTINUO_TRY(const bool padded, p.has("padded_vocab_size"));
  CONTINUO_TRY(spec.vocab_size, p.count(padded ? "padded_vocab_size" : "vocab_size"));
  CONTINUO_TRY(spec.d_model, p.count("d_model"));
  CONTINUO_TRY(spec.context_length, p.count("raven_context"));
  CONTINUO_TRY(const bool tied, p.flag_or("tied_output", true));
  CONTINUO_TRY(spec.tied_output, p.flag_or("raven_tied", tied));
  CONTINUO_TRY(AttentionSpec attention, plain_attention(p, spec));
  CONTINUO_TRY(const bool biased, p.flag_or("qk_bias", true));
  if (biased && attention.n_kv_heads != attention.n_heads)
    return p.wrong("n_kv_heads", "as many as heads: the bias of queries and keys is one tensor");
  attention.qk_bias = biased;
  if (attention.head_dim % 2 != 0) return p.wrong("n_heads", "such that heads have an even number of values");
  CONTINUO_TRY(const double theta, p.number_or("raven_theta", 50000, kFromOne));
  attention.rope = RopeSpec{.rotary_dim = attention.head_dim, .theta = theta, .interleaved = true, .scaling = {}};
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {}, "silu"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-6));
  const RmsNormSpec norm{.eps = eps};
  LayerSpec layer{.order = LayerSpec::Order::norm_of_sum, .mixer_norm = norm, .mixer = attention, .ffn = feed};
  layer.post_mixer_norm = layer.ffn_norm = layer.post_ffn_norm = norm;
  CONTINUO_TRY(const int n_prelude, p.count_or("prelude_layers", 2, kMaxLayers));
  CONTINUO_TRY(const int n_core, p.count_or("core_layers", 4, kMaxLayers));
  CONTINUO_TRY(const int n_coda, p.count_or("coda_layers", 2, kMaxLayers));
  CONTINUO_TRY(const int loops, p.count_or("loops", 32, static_cast<int>(kMaxLoops)));
  spec.stacks = {static_cast<std::size_t>(n_prelude), static_cast<std::size_t>(n_core),
                 static_cast<std::size_t>(n_coda)};
  spec.layers.assign(static_cast<std::size_t>(n_prelude + n_core + n_coda), layer);
  spec.loop = loop(n_prelude, n_core, n_coda, loops);
  CONTINUO_TRY(spec.loop->map_bias, p.flag_or("biases", false));
  CONTINUO_TRY(const HyperParameters initial, p.section("initial_values"));
  CONTINUO_TRY(const double scale, initial.number_or("scaled_embedding", 1, kFactor));
  spec.embedding_scale = static_cast<float>(scale);
  spec.final_norm = norm;
  return spec;
}

constexpr auto kStacks = std::to_array<std::string_view>({"prelude", "core_block", "coda"});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", "model.transformer.", ""});
constexpr auto kIgnored = std::to_array<std::string_view>({"freqs_cis"});
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::mixer_norm, "*%.#.norm_1.weight"},
    {Role::post_mixer_norm, "*%.#.norm_2.weight"},
    {Role::ffn_norm, "*%.#.norm_3.weight"},
    {Role::post_ffn_norm, "*%.#.norm_4.weight"},
    {Role::attention_qkv, "*%.#.attn.Wqkv.weight"},
    {Role::attention_qk_bias, "*%.#.attn.qk_bias"},
    {Role::attention_out, "*%.#.attn.proj.weight"},
    {Role::ffn_gate_up, "*%.#.mlp.fc.weight"},
    {Role::ffn_down, "*%.#.mlp.proj.weight"},
    {Role::loop_map, "*adapter.weight"},
    {Role::loop_map_bias, "*adapter.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::output, "lm_head.weight"},
});

}  // namespace

extern const Family kHuginn;  // the list's
const Family kHuginn = {
    .model_type = "huginn_raven",
    .known_as = "Huginn",
    .spec = huginn,
    .names = {.tensors = kTensors, .prefixes = kPrefixes, .ignored = kIgnored, .stacks = kStacks},
};

}  // namespace continuo
