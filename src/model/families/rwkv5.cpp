// RWKV-5.2 (Eagle): a matrix for each head instead of RWKV-4's vector, and a gate. Peng et al. 2024, arXiv:2404.05892.
#include "model/families/rwkv.h"

namespace continuo {

namespace {

// int((d_model * 3.5) // 32 * 32), as the reference's configuration has it.
int eagle_d_ff(int d_model) { return static_cast<int>(static_cast<long long>(3.5 * d_model) / 32 * 32); }

Result<ModelSpec> rwkv5(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, rwkv_spec(p));
  if (spec.d_model > HyperParameters::kLargest / 4) return p.wrong("d_model", "a smaller width");
  CONTINUO_TRY(const int d_attention, p.count_or("rwkv_d_attention", spec.d_model));
  if (d_attention != spec.d_model) return p.wrong("rwkv_d_attention", "the model's width");
  RwkvSpec mixer{.version = 5, .d_model = spec.d_model};
  CONTINUO_TRY_VOID(set_rwkv_heads(p, 64, mixer));
  CONTINUO_TRY(const double divisor, p.number_or("rwkv_head_divisor", 8, kFactor));
  mixer.norm_eps = static_cast<float>(1e-5 * divisor * divisor);  // results are divided by it before their norm
  CONTINUO_TRY(const int d_ff, rwkv_d_ff(p, eagle_d_ff(spec.d_model)));
  for (LayerSpec& layer : spec.layers) {
    layer.mixer = mixer;
    layer.ffn = ChannelMixSpec{.version = 5, .d_model = spec.d_model, .d_ff = d_ff};
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.weight"},
    {Role::embedding_norm, "*blocks.0.pre_ln.weight"},
    {Role::embedding_norm_bias, "*blocks.0.pre_ln.bias"},
    {Role::mixer_norm, "*blocks.#.ln1.weight"},
    {Role::mixer_norm_bias, "*blocks.#.ln1.bias"},
    {Role::rwkv_decay, "*blocks.#.attention.time_decay"},
    {Role::rwkv_first, "*blocks.#.attention.time_faaaa"},
    {Role::rwkv_mix_k, "*blocks.#.attention.time_mix_key"},
    {Role::rwkv_mix_v, "*blocks.#.attention.time_mix_value"},
    {Role::rwkv_mix_r, "*blocks.#.attention.time_mix_receptance"},
    {Role::rwkv_mix_g, "*blocks.#.attention.time_mix_gate"},
    {Role::rwkv_key, "*blocks.#.attention.key.weight"},
    {Role::rwkv_value, "*blocks.#.attention.value.weight"},
    {Role::rwkv_receptance, "*blocks.#.attention.receptance.weight"},
    {Role::rwkv_gate, "*blocks.#.attention.gate.weight"},
    {Role::rwkv_out, "*blocks.#.attention.output.weight"},
    {Role::rwkv_norm, "*blocks.#.attention.ln_x.weight"},
    {Role::rwkv_norm_bias, "*blocks.#.attention.ln_x.bias"},
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

extern const Family kRwkv5;  // the list's
const Family kRwkv5 = {
    .model_type = "rwkv5",
    .known_as = "RWKV-5 (Eagle)",
    .spec = rwkv5,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
