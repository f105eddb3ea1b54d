// Zamba2: Mamba-2 layers, before some of which stands one of a few blocks of attention and feed-forward that they
// share, with an adapter for each use. Glorioso et al. 2024, arXiv:2411.15242.
#include <fmt/format.h>

#include <cmath>

#include "model/families/mamba.h"
#include "model/rope_parameters.h"

namespace continuo {

namespace {

constexpr double kNormEps = 1e-5;  // of the norm within Mamba-2, whatever the file says of others

Result<Mamba2Spec> mamba_of(const HyperParameters& p, int d_model) {
  Mamba2Sizes sizes{.default_d_state = 64, .activation = "mamba_activation"};
  CONTINUO_TRY(sizes.d_inner, expanded_width(p, "mamba_expand", d_model));
  CONTINUO_TRY(sizes.n_heads, p.count_or("mamba_heads", 8, kMaxHeads));
  if (sizes.d_inner % sizes.n_heads != 0)
    return p.wrong("mamba_heads", fmt::format("a divisor of the inner width {}", sizes.d_inner));
  sizes.head_dim = sizes.d_inner / sizes.n_heads;
  CONTINUO_TRY(Mamba2Spec mixer, mamba2_mixer(p, sizes, static_cast<float>(kNormEps)));
  mixer.conv_bias = true;  // the reference's convolution has one whatever the file says
  CONTINUO_TRY(const double least, p.number_or("dt_min", 0.001, kLimit));
  mixer.dt_min = static_cast<float>(least);
  mixer.dt_max = 0;
  return mixer;
}

// Heads share the width of a row and its embedding; scores are divided by the root of half a head.
Result<AttentionSpec> attention_of(const HyperParameters& p, const ModelSpec& spec, int adapter_rank) {
  AttentionSpec attention{.d_in = 2 * spec.d_model};
  CONTINUO_TRY(attention.n_heads, p.count_or("n_heads", 32, kMaxHeads));
  CONTINUO_TRY(attention.n_kv_heads, p.count_or("n_kv_heads", attention.n_heads, kMaxHeads));
  if (attention.n_heads % attention.n_kv_heads != 0)
    return p.wrong("n_kv_heads", fmt::format("a divisor of the {} heads", attention.n_heads));
  if (attention.d_in % attention.n_heads != 0)
    return p.wrong("n_heads", fmt::format("a divisor of twice the model's width, {}", attention.d_in));
  attention.head_dim = attention.d_in / attention.n_heads;
  attention.scale = static_cast<float>(1 / std::sqrt(attention.head_dim / 2.0));
  CONTINUO_TRY(const bool turns, p.flag_or("shared_rope", false));
  if (turns) {
    CONTINUO_TRY(attention.rope, rope_spec(p, attention.head_dim, spec.context_length));
  }
  CONTINUO_TRY(const bool adapted, p.flag_or("attention_adapters", false));
  if (adapted) attention.adapter_rank = adapter_rank;
  return attention;
}

Result<SharedBlockSpec> shared_block(const HyperParameters& p, const ModelSpec& spec, const Mamba2Spec& mamba) {
  CONTINUO_TRY_VOID(expect_flag(p, "biases", false, "biases of this kind of model's maps are not supported"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  SharedBlockSpec block{.norm = {.eps = eps}, .mixer = mamba};
  CONTINUO_TRY(block.ffn_rank, p.count_or("adapter_rank", 128));
  CONTINUO_TRY(block.attention, attention_of(p, spec, block.ffn_rank));
  CONTINUO_TRY(block.d_ff, p.count_or("d_ff", 4 * spec.d_model, HyperParameters::kLargest / 2));
  CONTINUO_TRY(block.activation, activation(p, "gelu"));
  return block;
}

// Each block is stored with the first layer that uses it; uses go round the blocks.
Result<void> set_blocks(const HyperParameters& p, const SharedBlockSpec& block, ModelSpec& spec) {
  CONTINUO_TRY(const int n_blocks, p.count_or("n_shared_blocks", 1));
  CONTINUO_TRY(const std::vector<std::string> types, p.texts("block_types", spec.layers.size()));
  std::vector<std::size_t> users;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const bool shares = types[i] == "hybrid";
    if (!shares && types[i] != "linear_attention" && types[i] != "mamba")
      return p.wrong_item("block_types", i, "linear_attention or hybrid");
    if (!shares) continue;
    SharedBlockSpec here = block;
    here.use = users.size();
    users.push_back(i);
    here.owner = users[here.use % static_cast<std::size_t>(n_blocks)];
    spec.layers[i].mixer_norm.reset();  // it stands between the block and the layer's own mixer
    spec.layers[i].mixer = here;
  }
  return {};
}

Result<ModelSpec> zamba2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = 4096}));
  if (spec.d_model > HyperParameters::kLargest / 8) return p.wrong("d_model", "a smaller width");
  CONTINUO_TRY(const bool extended, p.flag_or("long_context", false));
  if (extended) spec.context_length = 16384;
  CONTINUO_TRY(const Mamba2Spec mamba, mamba_of(p, spec.d_model));
  CONTINUO_TRY(const SharedBlockSpec block, shared_block(p, spec, mamba));
  const RmsNormSpec norm = block.norm;
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mamba, .ffn = std::monostate()}));
  spec.final_norm = norm;
  CONTINUO_TRY_VOID(set_blocks(p, block, spec));
  return spec;
}

#define CONTINUO_SHARED(name) "*layers.#.shared_transformer." name
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_norm, "*layers.#.input_layernorm.weight"},
    {Role::mixer_norm, "*layers.#.mamba_decoder.input_layernorm.weight"},
    CONTINUO_MAMBA2_TENSORS("mamba"),
    CONTINUO_MAMBA2_TENSORS("mamba_decoder.mamba"),
    {Role::shared_block_norm, CONTINUO_SHARED("input_layernorm.weight")},
    {Role::attention_q, CONTINUO_SHARED("self_attn.q_proj.weight")},
    {Role::attention_k, CONTINUO_SHARED("self_attn.k_proj.weight")},
    {Role::attention_v, CONTINUO_SHARED("self_attn.v_proj.weight")},
    {Role::attention_out, CONTINUO_SHARED("self_attn.o_proj.weight")},
    {Role::attention_q_adapter_in, CONTINUO_SHARED("self_attn.linear_q_adapter_list.@.0.weight")},
    {Role::attention_q_adapter_out, CONTINUO_SHARED("self_attn.linear_q_adapter_list.@.1.weight")},
    {Role::attention_k_adapter_in, CONTINUO_SHARED("self_attn.linear_k_adapter_list.@.0.weight")},
    {Role::attention_k_adapter_out, CONTINUO_SHARED("self_attn.linear_k_adapter_list.@.1.weight")},
    {Role::attention_v_adapter_in, CONTINUO_SHARED("self_attn.linear_v_adapter_list.@.0.weight")},
    {Role::attention_v_adapter_out, CONTINUO_SHARED("self_attn.linear_v_adapter_list.@.1.weight")},
    {Role::ffn_norm, CONTINUO_SHARED("pre_ff_layernorm.weight")},
    {Role::ffn_gate_up, CONTINUO_SHARED("feed_forward.gate_up_proj.weight")},
    {Role::ffn_adapter_in, CONTINUO_SHARED("feed_forward.gate_up_proj_adapter_list.@.0.weight")},
    {Role::ffn_adapter_out, CONTINUO_SHARED("feed_forward.gate_up_proj_adapter_list.@.1.weight")},
    {Role::ffn_down, CONTINUO_SHARED("feed_forward.down_proj.weight")},
    {Role::shared_block_link, "*layers.#.linear.weight"},
    {Role::final_norm, "*final_layernorm.weight"},
    {Role::output, "lm_head.weight"},
});
#undef CONTINUO_SHARED
constexpr auto kPrefixes = std::to_array<std::string_view>({"model.", ""});

}  // namespace

extern const Family kZamba2;  // the list's
const Family kZamba2 = {
    .model_type = "zamba2",
    .known_as = "Zamba2",
    .spec = zamba2,
    .names = {kTensors, kPrefixes, {}},
};

}  // namespace continuo
