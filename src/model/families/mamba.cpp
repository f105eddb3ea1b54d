// Mamba. Gu & Dao 2023, arXiv:2312.00752.
#include "model/families/mamba.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/gguf_metadata.h"

namespace continuo {

Result<int> count_or_auto(const HyperParameters& p, std::string_view name, std::string_view field, int automatic,
                          int largest) {
  const Json* const stated = p.raw(field);
  if (!stated || *stated == "auto") return automatic;
  return p.count(name, largest);
}

Result<int> expanded_width(const HyperParameters& p, std::string_view name, int d_model) {
  CONTINUO_TRY(const int factor, p.count_or(name, 2));
  const long long width = static_cast<long long>(factor) * d_model;
  if (width > HyperParameters::kLargest) {
    return p.wrong(name, fmt::format("at most {} for a width of {}", HyperParameters::kLargest / d_model, d_model));
  }
  return static_cast<int>(width);
}

Result<ModelSpec> mixers_only(const HyperParameters& p, ModelSpec spec, const MixerSpec& mixer) {
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const RmsNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn = std::monostate()}));
  spec.final_norm = norm;
  return spec;
}

Result<MambaSpec> mamba_mixer(const HyperParameters& p, int d_inner, int dt_rank) {
  MambaSpec mixer{.d_inner = d_inner, .dt_rank = dt_rank};
  CONTINUO_TRY(mixer.d_state, p.count_or("d_state", 16));
  CONTINUO_TRY(mixer.d_conv, p.count_or("conv_kernel", 4, kMaxConvKernel));
  CONTINUO_TRY(mixer.conv_bias, p.flag_or("conv_bias", true));
  CONTINUO_TRY(mixer.activation, activation(p, "silu"));
  return mixer;
}

Result<ModelSpec> mamba_spec(const HyperParameters& p) {
  CONTINUO_TRY(const ModelSpec spec, plain_spec(p, {.tied_output = true, .context_length = kRecurrentContext}));
  CONTINUO_TRY(const bool stated, p.has("d_ff"));
  int d_inner = 0;
  if (stated) {
    CONTINUO_TRY(d_inner, p.count("d_ff"));
  } else {
    CONTINUO_TRY(d_inner, expanded_width(p, "mamba_expand", spec.d_model));
  }
  CONTINUO_TRY(const int dt_rank, count_or_auto(p, "dt_rank", "time_step_rank", auto_dt_rank(spec.d_model)));
  CONTINUO_TRY(MambaSpec mixer, mamba_mixer(p, d_inner, dt_rank));
  CONTINUO_TRY(mixer.proj_bias, p.flag_or("biases", false));
  return mixers_only(p, spec, mixer);
}

Result<void> adapt_gguf_mamba(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(config["intermediate_size"], gguf_whole(file, "ssm.inner_size"));
  CONTINUO_TRY(config["conv_kernel"], gguf_whole(file, "ssm.conv_kernel"));
  CONTINUO_TRY(config["state_size"], gguf_whole(file, "ssm.state_size"));
  CONTINUO_TRY(config["time_step_rank"], gguf_whole(file, "ssm.time_step_rank"));
  config["use_conv_bias"] = gguf_stored_somewhere(file, "ssm_conv1d.bias");
  config["use_bias"] = gguf_stored_somewhere(file, "ssm_in.bias");
  return {};
}

Result<void> adapt_gguf_hybrid_mamba2(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const int d_inner, gguf_whole(file, "ssm.inner_size"));
  CONTINUO_TRY(const int n_heads, gguf_whole(file, "ssm.time_step_rank"));
  CONTINUO_TRY(const int d_model, gguf_whole(file, "embedding_length"));
  if (d_inner % n_heads != 0)
    return gguf_wrong(file, "ssm.time_step_rank",
                      fmt::format("is {}, expected a divisor of the width {}", n_heads, d_inner));
  if (d_inner % d_model == 0) config["mamba_expand"] = d_inner / d_model;
  config["mamba_d_ssm"] = d_inner;
  config["mamba_n_heads"] = n_heads;
  config["mamba_d_head"] = config["mamba_head_dim"] = d_inner / n_heads;
  CONTINUO_TRY(config["mamba_n_groups"], gguf_whole(file, "ssm.group_count"));
  CONTINUO_TRY(config["mamba_d_state"], gguf_whole(file, "ssm.state_size"));
  CONTINUO_TRY(config["mamba_d_conv"], gguf_whole(file, "ssm.conv_kernel"));
  config["mamba_conv_bias"] = gguf_stored_somewhere(file, "ssm_conv1d.bias");
  config["mamba_proj_bias"] = gguf_stored_somewhere(file, "ssm_in.bias");
  return {};
}

Result<void> adapt_gguf_layer_types(const Checkpoint& file, Json& config, const char* attention, const char* other) {
  CONTINUO_TRY(const std::vector<int> heads, gguf_by_layer(file, "attention.head_count_kv"));
  Json types = Json::array();
  int most = 0;
  for (const int n : heads) {
    if (n > 0 && most > 0 && n != most)
      return gguf_wrong(file, "attention.head_count_kv", "differs from one layer with attention to another",
                        "such models are not supported");
    most = std::max(most, n);
    types.push_back(n > 0 ? attention : other);
  }
  config["layer_types"] = std::move(types);
  config["num_key_value_heads"] = std::max(most, 1);
  return {};
}

namespace {

constexpr auto kTensors = std::to_array<TensorName>({CONTINUO_BACKBONE_TENSORS, CONTINUO_MAMBA_TENSORS("mixer")});

}  // namespace

extern const Family kMamba;  // the list's
const Family kMamba = {
    .model_type = "mamba",
    .known_as = "Mamba",
    .spec = mamba_spec,
    .names = {kTensors, kBackbonePrefixes, {}},
    .gguf = {.architecture = "mamba", .names = kGgufMambaNames, .adapt = adapt_gguf_mamba},
};

}  // namespace continuo
