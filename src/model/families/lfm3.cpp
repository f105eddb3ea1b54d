// LFM3: gated short convolutions, full attention and attention through a window, which turn differently; a
// gate for each head's result; norms before and after each part. Liquid AI 2026.
#include "model/families/llama.h"

namespace continuo {

namespace {

// By default one layer in four has full attention, and one between two of those a window.
Result<std::vector<std::string>> layer_types(const HyperParameters& p, std::size_t n_layers) {
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  if (listed) return p.texts("layer_types", n_layers);
  std::vector<std::string> types(n_layers, "conv");
  for (std::size_t i = 2; i < n_layers; i += 2) types[i] = i % 4 == 2 ? "full_attention" : "sliding_attention";
  return types;
}

// The rotary positions of one kind of attention: those of its section, or `fallback` where the file says
// nothing.
Result<RopeSpec> rope_of(const HyperParameters& p, std::string_view kind, const RopeSpec& fallback,
                         int context_length) {
  CONTINUO_TRY(const bool stated, p.has("rope_section"));
  if (!stated) return fallback;
  CONTINUO_TRY(const HyperParameters all, p.section("rope_section"));
  CONTINUO_TRY(const bool mine, all.has(kind));
  if (!mine) return p.wrong("rope_section", "a section for each kind of attention that \"layer_types\" names");
  CONTINUO_TRY(const HyperParameters section, all.section(kind));
  return rope_spec(section, section, fallback.rotary_dim, context_length, {.theta = 1e6});
}

Result<AttentionSpec> full_attention(const HyperParameters& p, AttentionSpec attention, int context_length) {
  const RopeSpec fallback{.rotary_dim = attention.head_dim,
                          .theta = 1e6,
                          .scaling = RopeProportional{.turned_pairs = attention.head_dim / 4, .factor = 1}};
  CONTINUO_TRY(attention.rope, rope_of(p, "rope_of_full", fallback, context_length));
  return attention;
}

Result<AttentionSpec> sliding_attention(const HyperParameters& p, AttentionSpec attention, int context_length) {
  const RopeSpec fallback{.rotary_dim = attention.head_dim, .theta = 1e4, .scaling = {}};
  CONTINUO_TRY(attention.rope, rope_of(p, "rope_of_sliding", fallback, context_length));
  CONTINUO_TRY(attention.window, window_or(p, 256));
  if (attention.window == 0)
    return model_error(p.file(), "a layer has sliding attention, but there is no 'sliding_window'");
  return attention;
}

Result<ModelSpec> lfm3(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true, .context_length = 128000},
                                              .norm_eps = 1e-5,
                                              .head_dim = 128,
                                              .ropes_differ = true}));
  set_head_norms(spec, *spec.final_norm);
  CONTINUO_TRY(const bool post_norms, p.flag_or("post_norms", true));
  CONTINUO_TRY(const bool gate, p.flag_or("head_gate", true));
  CONTINUO_TRY(const bool bias, p.flag_or("conv_bias", false));
  CONTINUO_TRY(const int kernel, p.count_or("conv_kernel", 7, kMaxConvKernel));
  CONTINUO_TRY(const std::vector<std::string> types, layer_types(p, spec.layers.size()));
  AttentionSpec attention = attention_of(spec.layers.front());
  if (attention.head_dim % 2 != 0) return p.wrong("head_dim", "an even number: rotary positions turn pairs");
  if (gate) attention.output_gate = AttentionSpec::OutputGate::head;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    if (post_norms) layer.post_mixer_norm = layer.post_ffn_norm = layer.mixer_norm;
    if (types[i] == "conv") {
      layer.mixer = ShortConvSpec{.d_inner = spec.d_model, .kernel = kernel, .bias = bias};
    } else if (types[i] == "full_attention") {
      CONTINUO_TRY(layer.mixer, full_attention(p, attention, spec.context_length));
    } else if (types[i] == "sliding_attention") {
      CONTINUO_TRY(layer.mixer, sliding_attention(p, attention, spec.context_length));
    } else {
      return p.wrong_item("layer_types", i, "conv, full_attention or sliding_attention");
    }
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::mixer_norm, "*layers.#.operator_norm.weight"},
    {Role::post_mixer_norm, "*layers.#.post_operator_norm.weight"},
    {Role::ffn_norm, "*layers.#.ffn_norm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_ffn_norm.weight"},
    {Role::conv_in, "*layers.#.conv.in_proj.weight"},
    {Role::conv_in_bias, "*layers.#.conv.in_proj.bias"},
    {Role::conv_filters, "*layers.#.conv.conv.weight"},
    {Role::conv_filters_bias, "*layers.#.conv.conv.bias"},
    {Role::conv_out, "*layers.#.conv.out_proj.weight"},
    {Role::conv_out_bias, "*layers.#.conv.out_proj.bias"},
    {Role::attention_q_norm, "*layers.#.self_attn.q_norm.weight"},
    {Role::attention_k_norm, "*layers.#.self_attn.k_norm.weight"},
    {Role::attention_gate, "*layers.#.self_attn.gate_proj.weight"},
    {Role::attention_gate, "*layers.#.self_attn.g_proj.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.w1.weight"},
    {Role::ffn_up, "*layers.#.feed_forward.w3.weight"},
    {Role::ffn_down, "*layers.#.feed_forward.w2.weight"},
    {Role::final_norm, "*embedding_norm.weight"},
});

}  // namespace

extern const Family kLfm3;  // the list's
const Family kLfm3 = {
    .model_type = "lfm3",
    .known_as = "LFM3",
    .spec = lfm3,
    .names = llama_names(kTensors),
};

}  // namespace continuo
