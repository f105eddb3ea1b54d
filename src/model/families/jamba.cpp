// Jamba: Mamba layers with attention in some and experts in some. Lieber et al. 2024, arXiv:2403.19887.
#include <fmt/format.h>

#include <algorithm>

#include "model/families/llama.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// Every `period`-th thing from `offset` on.
struct Recurring {
  int period = 1, offset = 0;
  bool has(std::size_t i) const { return i % static_cast<std::size_t>(period) == static_cast<std::size_t>(offset); }
};

struct RecurringNames {
  std::string_view period, offset;
};

Result<Recurring> recurring(const HyperParameters& p, const RecurringNames& names, Recurring fallback) {
  CONTINUO_TRY(fallback.period, p.count_or(names.period, fallback.period));
  CONTINUO_TRY(fallback.offset, p.index_or(names.offset, fallback.offset));
  if (fallback.offset < fallback.period) return fallback;
  return model_error(p.file(), fmt::format("the offset {} of layers of a kind is not below their period {}",
                                           fallback.offset, fallback.period));
}

Result<MambaSpec> mixer_of(const HyperParameters& p, int d_model, const RmsNormSpec& norm) {
  CONTINUO_TRY_VOID(expect_flag(p, "inner_norms", true, "layers without norms inside are not supported"));
  CONTINUO_TRY(const int d_inner, expanded_width(p, "mamba_expand", d_model));
  CONTINUO_TRY(const int dt_rank, count_or_auto(p, "dt_rank", "mamba_dt_rank", auto_dt_rank(d_model)));
  CONTINUO_TRY(MambaSpec mixer, mamba_mixer(p, d_inner, dt_rank));
  CONTINUO_TRY(mixer.proj_bias, p.flag_or("mamba_bias", false));
  mixer.inner_norm = norm;
  return mixer;
}

// The feed-forward part of layers with experts; a plain one where a layer has one expert.
Result<FfnSpec> expert_layer(const HyperParameters& p, const FeedForwardSpec& feed) {
  CONTINUO_TRY(const int n_experts, p.count_or("n_experts", 16, kMaxExperts));
  if (n_experts == 1) return FfnSpec(feed);
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, feed, false));
  experts.normalize = false;
  return FfnSpec(experts);
}

Result<ModelSpec> jamba(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 262144}));
  CONTINUO_TRY(const AttentionSpec attention, plain_attention(p, spec));
  CONTINUO_TRY(const FeedForwardSpec feed, plain_feed(p, {}, "silu"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-6));
  const RmsNormSpec norm{.eps = eps};
  CONTINUO_TRY(const MambaSpec mamba, mixer_of(p, spec.d_model, norm));
  CONTINUO_TRY(const FfnSpec experts, expert_layer(p, feed));
  CONTINUO_TRY(const Recurring attends, recurring(p, {"attention_period", "attention_offset"}, {8, 4}));
  CONTINUO_TRY(const Recurring expert, recurring(p, {"expert_period", "expert_offset"}, {2, 1}));
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mamba, .ffn_norm = norm, .ffn = feed}));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (attends.has(i)) spec.layers[i].mixer = attention;
    if (expert.has(i)) spec.layers[i].ffn = experts;
  }
  spec.final_norm = norm;
  return spec;
}

constexpr LlamaNames kTensors({
    CONTINUO_MAMBA_TENSORS("mamba"),
    {Role::mamba_dt_norm, "*layers.#.mamba.dt_layernorm.weight"},
    {Role::mamba_b_norm, "*layers.#.mamba.b_layernorm.weight"},
    {Role::mamba_c_norm, "*layers.#.mamba.c_layernorm.weight"},
    {Role::ffn_norm, "*layers.#.pre_ff_layernorm.weight"},
    {Role::ffn_gate, "*layers.#.feed_forward.gate_proj.weight"},
    {Role::ffn_up, "*layers.#.feed_forward.up_proj.weight"},
    {Role::ffn_down, "*layers.#.feed_forward.down_proj.weight"},
    {Role::router, "*layers.#.feed_forward.router.weight"},
    {Role::expert_gate, "*layers.#.feed_forward.experts.@.gate_proj.weight"},
    {Role::expert_up, "*layers.#.feed_forward.experts.@.up_proj.weight"},
    {Role::expert_down, "*layers.#.feed_forward.experts.@.down_proj.weight"},
    {Role::expert_gate_up, "*layers.#.feed_forward.experts.gate_up_proj"},
    {Role::expert_down, "*layers.#.feed_forward.experts.down_proj"},
    {Role::final_norm, "*final_layernorm.weight"},
});

// The period and offset of the layers that have something.
Result<void> set_recurring(const Checkpoint& file, const std::vector<bool>& has, const char* period, const char* offset,
                           Json& config) {
  const auto first = static_cast<std::size_t>(std::find(has.begin(), has.end(), true) - has.begin());
  std::size_t step = has.size() + 1;  // where none has, or only one
  for (std::size_t i = first + 1; i < has.size() && step > has.size(); ++i) {
    if (has[i]) step = i - first;
  }
  for (std::size_t i = 0; i < has.size(); ++i) {
    if (has[i] != (i % step == first))
      return model_error(file.config_file, "layers of a kind do not recur at even distances",
                         "such models are not supported");
  }
  config[period] = step;
  config[offset] = first;
  return {};
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(adapt_gguf_layer_types(file, config, "attention", "mamba"));
  if (!config.contains("num_experts")) config["num_experts"] = 1;
  std::vector<bool> attends, experts;
  for (std::size_t i = 0; i < config["layer_types"].size(); ++i) {
    attends.push_back(config["layer_types"][i] == "attention");
    experts.push_back(gguf_stored(file, i, "ffn_gate_inp.weight"));
  }
  config.erase("layer_types");
  CONTINUO_TRY_VOID(set_recurring(file, attends, "attn_layer_period", "attn_layer_offset", config));
  CONTINUO_TRY_VOID(set_recurring(file, experts, "expert_layer_period", "expert_layer_offset", config));
  CONTINUO_TRY_VOID(adapt_gguf_mamba(file, config));
  config["mamba_conv_bias"] = config["use_conv_bias"];
  config["mamba_proj_bias"] = config["use_bias"];
  config["mamba_d_conv"] = config["conv_kernel"];
  config["mamba_d_state"] = config["state_size"];
  config["mamba_dt_rank"] = config["time_step_rank"];
  CONTINUO_TRY(const int d_model, gguf_whole(file, "embedding_length"));
  const int d_inner = config["intermediate_size"].get<int>();
  if (d_inner % d_model != 0)
    return gguf_wrong(file, "ssm.inner_size", fmt::format("is {}, expected a multiple of {}", d_inner, d_model));
  config["mamba_expand"] = d_inner / d_model;
  for (const char* name : {"use_conv_bias", "use_bias", "conv_kernel", "state_size", "time_step_rank"})
    config.erase(name);
  CONTINUO_TRY(config["intermediate_size"], gguf_whole(file, "feed_forward_length"));
  return {};
}

}  // namespace

extern const Family kJamba;  // the list's
const Family kJamba = {
    .model_type = "jamba",
    .known_as = "Jamba",
    .spec = jamba,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "jamba", .names = kGgufMambaNames, .adapt = adapt_gguf},
};

}  // namespace continuo
