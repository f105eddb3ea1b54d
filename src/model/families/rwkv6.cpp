// RWKV-6 (Finch): token shift and decay depend on the text. Peng et al. 2024, arXiv:2404.05892.
#include <algorithm>
#include <cmath>

#include "model/families/rwkv.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> rwkv6(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, rwkv_spec(p));
  if (spec.d_model > HyperParameters::kLargest / 4) return p.wrong("d_model", "a smaller width");
  CONTINUO_TRY(const int d_attention, p.count_or("rwkv_d_attention", spec.d_model));
  if (d_attention != spec.d_model) return p.wrong("rwkv_d_attention", "the model's width");
  RwkvSpec mixer{.version = 6, .d_model = spec.d_model};
  CONTINUO_TRY_VOID(set_rwkv_heads(p, 64, mixer));
  CONTINUO_TRY(const double divisor, p.number_or("rwkv_head_divisor", 8, kFactor));
  mixer.norm_eps = static_cast<float>(1e-5 * divisor * divisor);
  // The reference sizes its small maps by the model's width alone.
  const bool large = spec.d_model >= 4096;
  CONTINUO_TRY(mixer.shift_rank, p.count_or("rwkv_shift_rank", large ? 64 : 32));
  CONTINUO_TRY(mixer.decay_rank, p.count_or("rwkv_decay_rank", large ? 128 : 64));
  const int d_ff_default = static_cast<int>(static_cast<long long>(3.5 * spec.d_model) / 32 * 32);
  CONTINUO_TRY(const int d_ff, rwkv_d_ff(p, d_ff_default));
  CONTINUO_TRY(const int rescaled_every, p.index_or("rescaled_every", 0));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    if (rescaled_every > 0)
      layer.residual_scale =
          std::ldexp(1.0f, static_cast<int>(std::min<std::size_t>(i / static_cast<std::size_t>(rescaled_every), 100)));
    layer.mixer = mixer;
    layer.ffn = ChannelMixSpec{.version = 6, .d_model = spec.d_model, .d_ff = d_ff};
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.weight"},
    {Role::embedding_norm, "*blocks.0.pre_ln.weight"},
    {Role::embedding_norm_bias, "*blocks.0.pre_ln.bias"},
    {Role::mixer_norm, "*blocks.#.ln1.weight"},
    {Role::mixer_norm_bias, "*blocks.#.ln1.bias"},
    {Role::rwkv_mix_x, "*blocks.#.attention.time_maa_x"},
    {Role::rwkv_mix_w, "*blocks.#.attention.time_maa_w"},
    {Role::rwkv_mix_k, "*blocks.#.attention.time_maa_k"},
    {Role::rwkv_mix_v, "*blocks.#.attention.time_maa_v"},
    {Role::rwkv_mix_r, "*blocks.#.attention.time_maa_r"},
    {Role::rwkv_mix_g, "*blocks.#.attention.time_maa_g"},
    {Role::rwkv_shift_1, "*blocks.#.attention.time_maa_w1", Layout::transposed},
    {Role::rwkv_shift_2, "*blocks.#.attention.time_maa_w2", Layout::transposed},
    {Role::rwkv_decay, "*blocks.#.attention.time_decay"},
    {Role::rwkv_decay_1, "*blocks.#.attention.time_decay_w1", Layout::transposed},
    {Role::rwkv_decay_2, "*blocks.#.attention.time_decay_w2", Layout::transposed},
    {Role::rwkv_first, "*blocks.#.attention.time_faaaa"},
    {Role::rwkv_key, "*blocks.#.attention.key.weight"},
    {Role::rwkv_value, "*blocks.#.attention.value.weight"},
    {Role::rwkv_receptance, "*blocks.#.attention.receptance.weight"},
    {Role::rwkv_gate, "*blocks.#.attention.gate.weight"},
    {Role::rwkv_out, "*blocks.#.attention.output.weight"},
    {Role::rwkv_norm, "*blocks.#.attention.ln_x.weight"},
    {Role::rwkv_norm_bias, "*blocks.#.attention.ln_x.bias"},
    {Role::ffn_norm, "*blocks.#.ln2.weight"},
    {Role::ffn_norm_bias, "*blocks.#.ln2.bias"},
    {Role::channel_mix_k, "*blocks.#.feed_forward.time_maa_k"},
    {Role::channel_mix_r, "*blocks.#.feed_forward.time_maa_r"},
    {Role::channel_key, "*blocks.#.feed_forward.key.weight"},
    {Role::channel_receptance, "*blocks.#.feed_forward.receptance.weight"},
    {Role::channel_value, "*blocks.#.feed_forward.value.weight"},
    {Role::final_norm, "*ln_out.weight"},
    {Role::final_norm_bias, "*ln_out.bias"},
    {Role::output, "head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"rwkv.", ""});

constexpr auto kGgufNames = std::to_array<TensorName>({
    {Role::ffn_norm, "blk.#.attn_norm_2.weight"},
    {Role::ffn_norm_bias, "blk.#.attn_norm_2.bias"},
    {Role::rwkv_mix_x, "blk.#.time_mix_lerp_x.weight"},
    {Role::rwkv_mix_fused, "blk.#.time_mix_lerp_fused.weight"},
    {Role::rwkv_mix_w, "blk.#.time_mix_lerp_w.weight"},
    {Role::rwkv_mix_k, "blk.#.time_mix_lerp_k.weight"},
    {Role::rwkv_mix_v, "blk.#.time_mix_lerp_v.weight"},
    {Role::rwkv_mix_r, "blk.#.time_mix_lerp_r.weight"},
    {Role::rwkv_mix_g, "blk.#.time_mix_lerp_g.weight"},
    {Role::rwkv_shift_1, "blk.#.time_mix_w1.weight"},
    {Role::rwkv_shift_2, "blk.#.time_mix_w2.weight"},
    {Role::rwkv_decay, "blk.#.time_mix_decay.weight"},
    {Role::rwkv_decay_1, "blk.#.time_mix_decay_w1.weight"},
    {Role::rwkv_decay_2, "blk.#.time_mix_decay_w2.weight"},
    {Role::rwkv_first, "blk.#.time_mix_first.weight"},
    {Role::rwkv_key, "blk.#.time_mix_key.weight"},
    {Role::rwkv_value, "blk.#.time_mix_value.weight"},
    {Role::rwkv_receptance, "blk.#.time_mix_receptance.weight"},
    {Role::rwkv_gate, "blk.#.time_mix_gate.weight"},
    {Role::rwkv_out, "blk.#.time_mix_output.weight"},
    {Role::rwkv_norm, "blk.#.time_mix_ln.weight"},
    {Role::rwkv_norm_bias, "blk.#.time_mix_ln.bias"},
    {Role::channel_mix_k, "blk.#.channel_mix_lerp_k.weight"},
    {Role::channel_mix_r, "blk.#.channel_mix_lerp_r.weight"},
    {Role::channel_key, "blk.#.channel_mix_key.weight"},
    {Role::channel_receptance, "blk.#.channel_mix_receptance.weight"},
    {Role::channel_value, "blk.#.channel_mix_value.weight"},
});

// What is added to the residual stream is divided by 2 once more after every few layers there.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(config["head_size"], gguf_whole(file, "wkv.head_size"));
  CONTINUO_TRY(const int shifts, gguf_rows(file, "blk.0.time_mix_w1.weight"));
  config["time_mix_extra_dim"] = shifts / 5;
  CONTINUO_TRY(config["time_decay_extra_dim"], gguf_rows(file, "blk.0.time_mix_decay_w1.weight"));
  CONTINUO_TRY(config["gguf_rescaled_every"], gguf_whole(file, "rescale_every_n_layers", 0));
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  const auto& mixer = std::get<RwkvSpec>(spec.layers.front().mixer);
  into.set("rescale_every_n_layers", 0);
  into.set("time_mix_extra_dim", mixer.shift_rank);
  into.set("time_decay_extra_dim", mixer.decay_rank);
}

}  // namespace

extern const Family kRwkv6;  // the list's
const Family kRwkv6 = {
    .model_type = "rwkv6",
    .known_as = "RWKV-6 (Finch)",
    .spec = rwkv6,
    .names = {kTensors, kPrefixes, {}},
    .gguf = {.architecture = "rwkv6", .names = kGgufNames, .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
