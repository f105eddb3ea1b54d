// Mamba-2. Dao & Gu 2024, arXiv:2405.21060.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/json.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// One of the two limits of a step: a number from 0, or infinity, as Python writes it in JSON.
Result<double> step_limit(const HyperParameters& p, const Json& limits, std::size_t i) {
  constexpr double kMost = 1e9;
  const Json& limit = limits[i];
  if (limit.is_object() && limit.contains("__float__") && limit["__float__"] == "Infinity") return kMost;
  if (limit.is_number()) {
    const double value = limit.get<double>();
    if (value >= 0 && (value <= kMost || std::isinf(value))) return std::min(value, kMost);
  }
  return p.wrong_item("dt_limit", i, "a number from 0 to 1e9, or infinity");
}

// dt_min and dt_max; where the file says nothing there are none.
Result<void> set_step_limits(const HyperParameters& p, Mamba2Spec& mixer) {
  const Json* const limits = p.raw("time_step_limit");
  if (!limits) return {};
  if (!limits->is_array() || limits->size() != 2) return p.wrong("dt_limit", "a list of two numbers");
  CONTINUO_TRY(const double least, step_limit(p, *limits, 0));
  CONTINUO_TRY(const double most, step_limit(p, *limits, 1));
  if (most <= 0 || most < least) return p.wrong_item("dt_limit", 1, "more than 0, and not below the other limit");
  mixer.dt_min = static_cast<float>(least);
  mixer.dt_max = static_cast<float>(most);
  return {};
}

}  // namespace

Result<Mamba2Spec> mamba2_mixer(const HyperParameters& p, const Mamba2Sizes& sizes, float norm_eps) {
  if (static_cast<long long>(sizes.n_heads) * sizes.head_dim != sizes.d_inner) {
    return model_error(p.file(), fmt::format("{} Mamba heads of {} values make no width of {}", sizes.n_heads,
                                             sizes.head_dim, sizes.d_inner));
  }
  Mamba2Spec mixer{.n_heads = sizes.n_heads, .head_dim = sizes.head_dim};
  CONTINUO_TRY(mixer.n_groups, p.count_or("mamba_groups", sizes.default_groups));
  if (mixer.n_heads % mixer.n_groups != 0) {
    return model_error(p.file(), fmt::format("{} groups of Mamba heads, expected a divisor of the {} heads",
                                             mixer.n_groups, mixer.n_heads));
  }
  CONTINUO_TRY(mixer.d_state, p.count_or("d_state", sizes.default_d_state));
  if (static_cast<long long>(mixer.n_groups) * mixer.d_state > HyperParameters::kLargest) {
    return p.wrong("d_state",
                   fmt::format("at most {} for {} groups", HyperParameters::kLargest / mixer.n_groups, mixer.n_groups));
  }
  CONTINUO_TRY(mixer.d_conv, p.count_or("conv_kernel", 4, kMaxConvKernel));
  CONTINUO_TRY(mixer.conv_bias, p.flag_or("conv_bias", true));
  CONTINUO_TRY(mixer.activation, activation(p, "silu", sizes.activation));
  CONTINUO_TRY_VOID(set_step_limits(p, mixer));
  mixer.norm_groups = mixer.n_groups;
  mixer.norm_eps = norm_eps;
  return mixer;
}

Result<Mamba2Spec> hybrid_mamba2_mixer(const HyperParameters& p, int d_inner, float norm_eps) {
  Mamba2Sizes sizes{.d_inner = d_inner, .default_d_state = 256};
  CONTINUO_TRY(sizes.n_heads, p.count_or("mamba_heads", 128, kMaxHeads));
  CONTINUO_TRY(sizes.head_dim, count_or_auto(p, "mamba_head_dim", "mamba_d_head", d_inner / sizes.n_heads));
  CONTINUO_TRY(Mamba2Spec mixer, mamba2_mixer(p, sizes, norm_eps));
  CONTINUO_TRY(mixer.in_bias, p.flag_or("mamba_bias", false));
  mixer.out_bias = mixer.in_bias;
  return mixer;
}

namespace {

// transformers 5.0 to 5.12 normalized all groups of this family at once, so that is how files that they wrote were run;
// earlier files come from mamba_ssm, which normalizes each group, as later versions do.
bool written_without_groups(const HyperParameters& p) {
  const Json* const version = p.raw("transformers_version");
  if (!version || !version->is_string()) return false;
  int major = 0, minor = 0;
  if (std::sscanf(version->get<std::string>().c_str(), "%d.%d", &major, &minor) != 2) return false;
  return major == 5 && minor <= 12;
}

Result<ModelSpec> mamba2(const HyperParameters& p) {
  CONTINUO_TRY(const ModelSpec spec, plain_spec(p, {.context_length = kRecurrentContext}));
  Mamba2Sizes sizes{.default_groups = 8, .default_d_state = 128};
  CONTINUO_TRY(sizes.d_inner, expanded_width(p, "mamba_expand", spec.d_model));
  CONTINUO_TRY(sizes.n_heads, p.count_or("n_heads", 128, kMaxHeads));
  CONTINUO_TRY(sizes.head_dim, p.count_or("head_dim", 64));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  CONTINUO_TRY(Mamba2Spec mixer, mamba2_mixer(p, sizes, eps));
  if (written_without_groups(p)) mixer.norm_groups = 1;
  CONTINUO_TRY(mixer.in_bias, p.flag_or("biases", false));
  mixer.out_bias = mixer.in_bias;
  return mixers_only(p, spec, mixer);
}

constexpr auto kTensors = std::to_array<TensorName>({CONTINUO_BACKBONE_TENSORS, CONTINUO_MAMBA2_TENSORS("mixer")});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(adapt_gguf_hybrid_mamba2(file, config));
  if (!config.contains("mamba_expand"))
    return gguf_wrong(file, "ssm.inner_size", "is no multiple of the model's width");
  config.erase("num_attention_heads");  // 0
  config["num_heads"] = config["mamba_n_heads"];
  config["head_dim"] = config["mamba_d_head"];
  config["use_bias"] = config["mamba_proj_bias"];
  return {};
}

}  // namespace

extern const Family kMamba2;  // the list's
const Family kMamba2 = {
    .model_type = "mamba2",
    .known_as = "Mamba-2, Codestral Mamba",
    .spec = mamba2,
    .names = {kTensors, kBackbonePrefixes, {}},
    .gguf = {.architecture = "mamba2", .names = kGgufMambaNames, .adapt = adapt_gguf},
};

}  // namespace continuo
