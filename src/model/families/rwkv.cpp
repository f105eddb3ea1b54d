// RWKV-4: time mixing and channel mixing instead of attention and feed-forward. Peng et al. 2023, arXiv:2305.13048.
#include "model/families/rwkv.h"

#include <fmt/format.h>

#include <cmath>

namespace continuo {

namespace {
constexpr int kUnbounded = 1 << 20;
}  // namespace

Result<ModelSpec> rwkv_spec(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 1}));
  spec.context_length = kUnbounded;  // the length that files state is the one it was trained with
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .ffn_norm = norm}));
  spec.embedding_norm = spec.final_norm = norm;
  return spec;
}

Result<int> rwkv_d_ff(const HyperParameters& p, int fallback) {
  CONTINUO_TRY(const bool stated, p.has("d_ff"));
  return stated ? p.count("d_ff") : Result<int>(fallback);
}

Result<void> set_rwkv_heads(const HyperParameters& p, int head_dim, RwkvSpec& spec) {
  CONTINUO_TRY(spec.head_dim, p.count_or("rwkv_head_dim", head_dim, kMaxHeads));
  if (spec.d_model % spec.head_dim != 0)
    return p.wrong("rwkv_head_dim", fmt::format("a divisor of the model's width {}", spec.d_model));
  spec.n_heads = spec.d_model / spec.head_dim;
  spec.value_dim = spec.head_dim;
  return {};
}

namespace {

// The reference halves the residual stream after every few layers, which norms see as a larger epsilon.
Result<void> grow_epsilons(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const int every, p.index_or("rescale_every", 6));
  if (every == 0) return {};
  const auto scaled = [&](NormSpec& norm, std::size_t halvings) {
    auto& layer_norm = std::get<LayerNormSpec>(norm);
    layer_norm.eps =
        static_cast<float>(std::ldexp(static_cast<double>(layer_norm.eps), static_cast<int>(2 * halvings)));
  };
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    scaled(*spec.layers[i].mixer_norm, i / static_cast<std::size_t>(every));
    scaled(*spec.layers[i].ffn_norm, i / static_cast<std::size_t>(every));
  }
  scaled(*spec.final_norm, spec.layers.size() / static_cast<std::size_t>(every));
  return {};
}

Result<ModelSpec> rwkv4(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, rwkv_spec(p));
  CONTINUO_TRY(const int d_attention, p.count_or("rwkv_d_attention", spec.d_model));
  if (spec.d_model > HyperParameters::kLargest / 4) return p.wrong("d_model", "a smaller width");
  CONTINUO_TRY(const int d_ff, rwkv_d_ff(p, 4 * spec.d_model));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer = Rwkv4Spec{.d_model = spec.d_model, .d_attention = d_attention};
    layer.ffn = ChannelMixSpec{.version = 4, .d_model = spec.d_model, .d_ff = d_ff};
  }
  CONTINUO_TRY_VOID(grow_epsilons(p, spec));
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.weight"},
    {Role::embedding_norm, "*blocks.0.pre_ln.weight"},
    {Role::embedding_norm_bias, "*blocks.0.pre_ln.bias"},
    {Role::mixer_norm, "*blocks.#.ln1.weight"},
    {Role::mixer_norm_bias, "*blocks.#.ln1.bias"},
    {Role::rwkv_decay, "*blocks.#.attention.time_decay"},
    {Role::rwkv_first, "*blocks.#.attention.time_first"},
    {Role::rwkv_mix_k, "*blocks.#.attention.time_mix_key"},
    {Role::rwkv_mix_v, "*blocks.#.attention.time_mix_value"},
    {Role::rwkv_mix_r, "*blocks.#.attention.time_mix_receptance"},
    {Role::rwkv_key, "*blocks.#.attention.key.weight"},
    {Role::rwkv_value, "*blocks.#.attention.value.weight"},
    {Role::rwkv_receptance, "*blocks.#.attention.receptance.weight"},
    {Role::rwkv_out, "*blocks.#.attention.output.weight"},
    {Role::ffn_norm, "*blocks.#.ln2.weight"},
    {Role::ffn_norm_bias, "*blocks.#.ln2.bias"},
    {Role::channel_mix_k, "*blocks.#.feed_forward.time_mix_key"},
    {Role::channel_mix_r, "*blocks.#.feed_forward.time_mix_receptance"},
    {Role::channel_key, "*blocks.#.feed_forward.key.weight"},
    {Role::channel_receptance, "*blocks.#.feed_forward.receptance.weight"},
    {Role::channel_value, "*blocks.#.feed_forward.value.weight"},
    {Role::final_norm, "*ln_out.weight"},
    {Role::final_norm_bias, "*ln_out.bias"},
    {Role::output, "head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"rwkv.", ""});

}  // namespace

extern const Family kRwkv;  // the list's
const Family kRwkv = {
    .model_type = "rwkv",
    .known_as = "RWKV-4",
    .spec = rwkv4,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
