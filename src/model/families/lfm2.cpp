// LFM2: gated short convolutions, and grouped attention in some layers. Liquid AI 2025, arXiv:2511.23404.
#include "model/families/lfm2.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// Which layers are attention: "layer_types", else those of "full_attn_idxs", else all.
Result<std::vector<bool>> attention_layers(const HyperParameters& p, std::size_t n_layers) {
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  std::vector<bool> attends(n_layers);
  if (listed) {
    CONTINUO_TRY(const std::vector<std::string> types, p.texts("layer_types", n_layers));
    for (std::size_t i = 0; i < n_layers; ++i) {
      if (types[i] != "conv" && types[i] != "full_attention")
        return p.wrong_item("layer_types", i, "conv or full_attention");
      attends[i] = types[i] == "full_attention";
    }
    return attends;
  }
  CONTINUO_TRY(const bool indexed, p.has("attention_layers"));
  if (!indexed) return std::vector<bool>(n_layers, true);
  CONTINUO_TRY(const std::vector<int> indices, p.indices("attention_layers"));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (static_cast<std::size_t>(indices[i]) >= n_layers) return p.wrong_item("attention_layers", i, "a layer's index");
    attends[static_cast<std::size_t>(indices[i])] = true;
  }
  return attends;
}

// The width that the configuration says, or two thirds of it, rounded up.
Result<int> adjusted_width(const HyperParameters& p, int d_ff) {
  CONTINUO_TRY(const bool adjust, p.flag_or("adjust_d_ff", true));
  if (!adjust) return d_ff;
  CONTINUO_TRY(const int multiple, p.count_or("d_ff_multiple", 256));
  CONTINUO_TRY(const double factor, p.number_or("d_ff_factor", 1, kFactor));
  const double scaled = factor * static_cast<double>(static_cast<long long>(2.0 * d_ff / 3));
  if (p.is_null("d_ff_factor")) return static_cast<int>(2LL * d_ff / 3);
  if (scaled >= HyperParameters::kLargest) return p.wrong("d_ff_factor", "a factor that leaves a possible width");
  const long long width = static_cast<long long>(scaled);
  return static_cast<int>((width + multiple - 1) / multiple * multiple);
}

}  // namespace

Result<void> set_lfm2_mixers(const HyperParameters& p, ModelSpec& spec) {
  CONTINUO_TRY(const bool bias, p.flag_or("conv_bias", false));
  CONTINUO_TRY(const int kernel, p.count_or("conv_kernel", 3, kMaxConvKernel));
  CONTINUO_TRY(const std::vector<bool> attends, attention_layers(p, spec.layers.size()));
  set_head_norms(spec, *spec.final_norm);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    attention_of(layer).qkv_bias = attention_of(layer).out_bias = false;
    if (!attends[i]) layer.mixer = ShortConvSpec{.d_inner = spec.d_model, .kernel = kernel, .bias = bias};
  }
  return {};
}

Result<void> adapt_gguf_lfm2(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(config["conv_L_cache"], gguf_whole(file, "shortconv.l_cache"));
  config["conv_bias"] = gguf_stored_somewhere(file, "shortconv.conv.bias");
  config["block_auto_adjust_ff_dim"] = false;  // the width is the adjusted one
  return adapt_gguf_layer_types(file, config, "full_attention", "conv");
}

namespace {

Result<ModelSpec> lfm2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true, .context_length = 128000},
                                              .norm_eps = 1e-5,
                                              .rope = {.theta = 1e6}}));
  for (LayerSpec& layer : spec.layers) {
    auto& ffn = std::get<FeedForwardSpec>(layer.ffn);
    CONTINUO_TRY(ffn.d_ff, adjusted_width(p, ffn.d_ff));
  }
  CONTINUO_TRY_VOID(set_lfm2_mixers(p, spec));
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.operator_norm.weight"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::conv_in, "*layers.#.conv.in_proj.weight"},
    {Role::conv_in_bias, "*layers.#.conv.in_proj.bias"},
    {Role::conv_filters, "*layers.#.conv.conv.weight"},
    {Role::conv_filters_bias, "*layers.#.conv.conv.bias"},
    {Role::conv_out, "*layers.#.conv.out_proj.weight"},
    {Role::conv_out_bias, "*layers.#.conv.out_proj.bias"},
    {Role::attention_out, "*layers.#.self_attn.out_proj.weight"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_layernorm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.w1.weight"},
    {Role::ffn_up, "*layers.#.feed_forward.w3.weight"},
    {Role::ffn_down, "*layers.#.feed_forward.w2.weight"},
    {Role::final_norm, "*embedding_norm.weight"},
});

}  // namespace

extern const Family kLfm2;  // the list's
const Family kLfm2 = {
    .model_type = "lfm2",
    .known_as = "LFM2, LFM2.5",
    .spec = lfm2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "lfm2", .names = kGgufLfm2Names, .adapt = adapt_gguf_lfm2},
};

}  // namespace continuo
