// Falcon-H1: attention and Mamba-2 side by side in every layer, with multipliers on most maps.
// Zuo et al. 2025, arXiv:2507.22448.
#include <algorithm>
#include <array>

#include "model/families/llama.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<float> factor(const HyperParameters& p, std::string_view name) {
  CONTINUO_TRY(const double value, p.number_or(name, 1, kFactor));
  return static_cast<float>(value);
}

// A list of so many multipliers; ones where the file has none.
Result<std::vector<float>> factors(const HyperParameters& p, std::string_view name, std::size_t count) {
  CONTINUO_TRY(const bool stated, p.has(name));
  if (!stated) return std::vector<float>(count, 1.0f);
  return p.numbers(name, count, kFactor);
}

Result<Mamba2Spec> mamba_of(const HyperParameters& p, int d_model) {
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  int d_inner = 0;
  if (p.is_null("mamba_d_inner")) {
    CONTINUO_TRY(d_inner, expanded_width(p, "mamba_expand", d_model));
  } else {
    CONTINUO_TRY(d_inner, p.count_or("mamba_d_inner", 1024));
  }
  CONTINUO_TRY(Mamba2Spec mixer, hybrid_mamba2_mixer(p, d_inner, eps));
  CONTINUO_TRY(mixer.out_bias, p.flag_or("projector_bias", false));
  CONTINUO_TRY(const bool norm, p.flag_or("mamba_norm", false));
  CONTINUO_TRY(const bool norm_first, p.flag_or("mamba_norm_before_gate", true));
  mixer.gate = !norm        ? Mamba2Spec::Gate::gate
               : norm_first ? Mamba2Spec::Gate::gated_norm
                            : Mamba2Spec::Gate::norm_gated;
  CONTINUO_TRY(mixer.input_scale, factor(p, "ssm_in_scale"));
  CONTINUO_TRY(mixer.scales, factors(p, "ssm_scales", 5));
  return mixer;
}

// The multipliers of the attention's input and keys become one of the scores; that of its input is also one of the
// result.
Result<BesidePart> attention_of(const HyperParameters& p, AttentionSpec attention) {
  CONTINUO_TRY(const float in, factor(p, "attention_in_scale"));
  CONTINUO_TRY(const float out, factor(p, "attention_out_scale"));
  CONTINUO_TRY(const float key, factor(p, "key_scale"));
  if (attention.qkv_bias && in != 1)
    return p.wrong("attention_in_scale", "1 in a model with attention biases: others are not supported there");
  attention.scale *= in * in * key;
  return BesidePart{attention, in * out};
}

Result<ModelSpec> falcon_h1(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 8192}, .norm_eps = 1e-5, .feed_bias = true}));
  CONTINUO_TRY(const Mamba2Spec mamba, mamba_of(p, spec.d_model));
  CONTINUO_TRY(const BesidePart attention, attention_of(p, std::get<AttentionSpec>(spec.layers.front().mixer)));
  CONTINUO_TRY(const float mamba_out, factor(p, "ssm_out_scale"));
  CONTINUO_TRY(const std::vector<float> feed_scales, factors(p, "mlp_scales", 2));
  CONTINUO_TRY(spec.embedding_scale, factor(p, "embedding_scale"));
  CONTINUO_TRY(spec.logit_scale, factor(p, "lm_head_scale"));
  BesideSpec both;
  both.parts = {{mamba, mamba_out}, attention};
  for (LayerSpec& layer : spec.layers) {
    layer.mixer = both;
    auto& feed = std::get<FeedForwardSpec>(layer.ffn);
    feed.gate_scale = feed_scales[0];
    feed.down_scale = feed_scales[1];
  }
  return spec;
}

constexpr LlamaNames kTensors({
    CONTINUO_MAMBA2_TENSORS("mamba"),
    {Role::ffn_norm, "*layers.#.pre_ff_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.gate_proj.weight"},
    {Role::ffn_gate_bias, "*layers.#.feed_forward.gate_proj.bias"},
    {Role::ffn_up, "*layers.#.feed_forward.up_proj.weight"},
    {Role::ffn_up_bias, "*layers.#.feed_forward.up_proj.bias"},
    {Role::ffn_down, "*layers.#.feed_forward.down_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.feed_forward.down_proj.bias"},
    {Role::final_norm, "*final_layernorm.weight"},
});

constexpr auto kGgufNames = [] {
  std::array<TensorName, kGgufMambaNames.size() + 2> names{};
  std::copy(kGgufMambaNames.begin(), kGgufMambaNames.end(), names.begin());
  names[kGgufMambaNames.size()] = {Role::ffn_norm, "blk.#.ffn_norm"};  // as converters write it
  names.back() = {Role::ffn_norm, "blk.#.ffn_norm.weight"};
  return names;
}();

// Multipliers are part of the weights there.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(adapt_gguf_hybrid_mamba2(file, config));
  config["mamba_rms_norm"] = gguf_stored_somewhere(file, "ssm_norm.weight");
  config["mamba_norm_before_gate"] = false;
  return {};
}

}  // namespace

extern const Family kFalconH1;  // the list's
const Family kFalconH1 = {
    .model_type = "falcon_h1",
    .known_as = "Falcon-H1",
    .spec = falcon_h1,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "falcon-h1", .names = kGgufNames, .adapt = adapt_gguf, .folds_scales = true},
};

}  // namespace continuo
