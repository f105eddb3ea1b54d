// Mamba. Gu & Dao 2023, arXiv:2312.00752.
#include "model/families/mamba.h"

#include <fmt/format.h>

#include "base/json.h"

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

namespace {

constexpr auto kTensors =
    std::to_array<TensorName>({CONTINUO_BACKBONE_TENSORS, CONTINUO_MAMBA_TENSORS("mixer")});

}  // namespace

extern const Family kMamba;  // the list's
const Family kMamba = {
    .model_type = "mamba",
    .known_as = "Mamba",
    .spec = mamba_spec,
    .names = {kTensors, kBackbonePrefixes, {}},
};

}  // namespace continuo
