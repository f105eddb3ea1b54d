// RecurrentGemma: Griffin's recurrent blocks and attention through a window, with Gemma's norms and
// embeddings. Griffin, RLHF and Gemma teams 2024, arXiv:2404.07839.
#include <cmath>

#include "base/json.h"
#include "model/families/llama.h"
#include "quant/bf16.h"

namespace continuo {

namespace {

constexpr int kContext = 8192;  // that the published models were trained for; their files do not say

// Which layers attend: the list of kinds, again and again.
Result<std::vector<bool>> attention_layers(const HyperParameters& p, std::size_t n_layers) {
  std::vector<std::string> kinds = {"recurrent", "recurrent", "attention"};
  CONTINUO_TRY(const bool listed, p.has("block_types"));
  if (listed) {
    std::size_t n = 0;
    for (const std::string_view field : {"block_types", "_block_types"}) {
      if (const Json* list = p.raw(field); list && list->is_array()) n = list->size();
    }
    CONTINUO_TRY(kinds, p.texts("block_types", n));
    if (kinds.empty()) return p.wrong("block_types", "at least one kind of block");
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] != "recurrent" && kinds[i] != "attention")
      return p.wrong_item("block_types", i, "recurrent or attention");
  }
  std::vector<bool> attends(n_layers);
  for (std::size_t i = 0; i < n_layers; ++i) attends[i] = kinds[i % kinds.size()] == "attention";
  return attends;
}

Result<AttentionSpec> attention_spec(const HyperParameters& p, const ModelSpec& spec) {
  CONTINUO_TRY(AttentionSpec attention, plain_attention(p, spec));
  CONTINUO_TRY(const int head_dim, even_head_dim(p, spec.d_model, attention.n_heads));
  if (attention.head_dim != head_dim)
    return p.wrong("head_dim", std::to_string(head_dim), "the model's width divided by its number of heads");
  CONTINUO_TRY(attention.qkv_bias, p.flag_or("attention_bias", false));
  attention.out_bias = true;
  CONTINUO_TRY(attention.window, p.count_or("window", 2048));
  CONTINUO_TRY(attention.rope, rope_spec(p, head_dim, spec.context_length, {.share = 0.5, .share_is_free = true}));
  if (!std::holds_alternative<std::monostate>(attention.rope->scaling)) {
    CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
    return section.wrong("rope_type", "default: these models do not scale positions");
  }
  return attention;
}

Result<RgLruSpec> lru_spec(const HyperParameters& p, int d_model, int n_heads) {
  RgLruSpec lru{.n_blocks = n_heads};
  CONTINUO_TRY(lru.width, p.count_or("lru_width", d_model));
  if (lru.width % n_heads != 0)
    return p.wrong("lru_width", "a multiple of the number of heads " + std::to_string(n_heads));
  CONTINUO_TRY(lru.d_conv, p.count_or("conv_kernel", 4, kMaxConvKernel));
  CONTINUO_TRY(lru.activation, activation(p, "gelu_pytorch_tanh", "hidden_activation"));
  return lru;
}

Result<FeedForwardSpec> ffn_spec(const HyperParameters& p, Activation kind) {
  FeedForwardSpec ffn{.activation = kind, .bias = true};
  CONTINUO_TRY(ffn.d_ff, p.count("d_ff"));
  ffn.d_ff /= 2;  // files give the width of gate and up together
  if (ffn.d_ff == 0) return p.wrong("d_ff", "at least 2: it is shared by gate and up");
  return ffn;
}

Result<ModelSpec> recurrent_gemma(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = kContext}));
  CONTINUO_TRY(const AttentionSpec attention, attention_spec(p, spec));
  CONTINUO_TRY(const RgLruSpec lru, lru_spec(p, spec.d_model, attention.n_heads));
  CONTINUO_TRY(const FeedForwardSpec ffn, ffn_spec(p, lru.activation));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-6));
  const RmsNormSpec norm{.eps = eps, .unit_offset = true};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = lru, .ffn_norm = norm, .ffn = ffn}));
  CONTINUO_TRY(const std::vector<bool> attends, attention_layers(p, spec.layers.size()));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (attends[i]) spec.layers[i].mixer = attention;
  }
  spec.final_norm = norm;
  // The reference keeps this factor in bfloat16, in models of any format.
  spec.embedding_scale = bf16_value(bf16_bits(std::sqrt(static_cast<float>(spec.d_model))));
  CONTINUO_TRY(const double cap, p.number_or("logit_cap", 30, kFactor));
  spec.final_logit_softcap = static_cast<float>(cap);
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.temporal_pre_norm.weight"},
    {Role::attention_q, "*layers.#.temporal_block.q_proj.weight"},
    {Role::attention_q_bias, "*layers.#.temporal_block.q_proj.bias"},
    {Role::attention_k, "*layers.#.temporal_block.k_proj.weight"},
    {Role::attention_k_bias, "*layers.#.temporal_block.k_proj.bias"},
    {Role::attention_v, "*layers.#.temporal_block.v_proj.weight"},
    {Role::attention_v_bias, "*layers.#.temporal_block.v_proj.bias"},
    {Role::attention_out, "*layers.#.temporal_block.o_proj.weight"},
    {Role::attention_out_bias, "*layers.#.temporal_block.o_proj.bias"},
    {Role::lru_x, "*layers.#.temporal_block.linear_x.weight"},
    {Role::lru_x_bias, "*layers.#.temporal_block.linear_x.bias"},
    {Role::lru_y, "*layers.#.temporal_block.linear_y.weight"},
    {Role::lru_y_bias, "*layers.#.temporal_block.linear_y.bias"},
    {Role::conv_filters, "*layers.#.temporal_block.conv_1d.weight"},
    {Role::conv_filters_bias, "*layers.#.temporal_block.conv_1d.bias"},
    {Role::lru_input_gate, "*layers.#.temporal_block.rg_lru.input_gate_weight"},
    {Role::lru_input_gate_bias, "*layers.#.temporal_block.rg_lru.input_gate_bias"},
    {Role::lru_recurrent_gate, "*layers.#.temporal_block.rg_lru.recurrent_gate_weight"},
    {Role::lru_recurrent_gate_bias, "*layers.#.temporal_block.rg_lru.recurrent_gate_bias"},
    {Role::lru_decay, "*layers.#.temporal_block.rg_lru.recurrent_param"},
    {Role::lru_out, "*layers.#.temporal_block.linear_out.weight"},
    {Role::lru_out_bias, "*layers.#.temporal_block.linear_out.bias"},
    {Role::ffn_norm, "*layers.#.channel_pre_norm.weight"},
    {Role::ffn_gate, "*layers.#.mlp_block.gate_proj.weight"},
    {Role::ffn_gate_bias, "*layers.#.mlp_block.gate_proj.bias"},
    {Role::ffn_up, "*layers.#.mlp_block.up_proj.weight"},
    {Role::ffn_up_bias, "*layers.#.mlp_block.up_proj.bias"},
    {Role::ffn_down, "*layers.#.mlp_block.down_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.mlp_block.down_proj.bias"},
    {Role::final_norm, "*final_norm.weight"},
});

}  // namespace

extern const Family kRecurrentGemma;  // the list's
const Family kRecurrentGemma = {
    .model_type = "recurrent_gemma",
    .known_as = "RecurrentGemma, Griffin",
    .spec = recurrent_gemma,
    .names = llama_names(kTensors),
};

}  // namespace continuo
