// Mamba and Mamba-2.
#include <cmath>

#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// A, which files hold as it is or as ln(-A).
Result<std::vector<float>> rates(PartBinder& binder, const TensorPlace& place,
                                 std::initializer_list<std::size_t> shape) {
  if (!binder.finder().named(Role::mamba_a))
    return binder.decays(Role::mamba_rate, place, shape, [](double value) { return value; });
  return binder.decays(Role::mamba_a, place, shape, [](double value) { return -std::exp(value); });
}

// The filters of the convolution, and its bias.
template <class Weights>
Result<void> convolution(PartBinder& binder, const TensorPlace& place, bool bias, MapSize size, Weights& into) {
  CONTINUO_TRY(into.conv, binder.filters(Role::conv_filters, place, size.rows, size.cols));
  if (!bias) return {};
  CONTINUO_TRY(into.conv_bias, binder.values(Role::conv_filters_bias, place, {size.rows}));
  return {};
}

}  // namespace

Result<MambaWeights> bind_part(PartBinder& binder, const TensorPlace& place, const MambaSpec& spec) {
  const std::size_t width = size(spec.d_inner), d_state = size(spec.d_state), dt_rank = size(spec.dt_rank);
  MambaWeights into;
  CONTINUO_TRY(into.in, binder.linear(Role::mamba_in, Role::mamba_in_bias, place, spec.proj_bias,
                                      {2 * width, binder.d_model()}));
  CONTINUO_TRY_VOID(convolution(binder, place, spec.conv_bias, {width, size(spec.d_conv)}, into));
  CONTINUO_TRY(into.x, binder.linear(Role::mamba_x, place, {dt_rank + 2 * d_state, width}));
  CONTINUO_TRY(into.dt, binder.linear(Role::mamba_dt, Role::mamba_dt_bias, place, true, {width, dt_rank}));
  CONTINUO_TRY(into.dt_norm, binder.norm({Role::mamba_dt_norm, {}, place}, spec.inner_norm, {dt_rank}));
  CONTINUO_TRY(into.b_norm, binder.norm({Role::mamba_b_norm, {}, place}, spec.inner_norm, {d_state}));
  CONTINUO_TRY(into.c_norm, binder.norm({Role::mamba_c_norm, {}, place}, spec.inner_norm, {d_state}));
  CONTINUO_TRY(const std::vector<float> by_channel, rates(binder, place, {width, d_state}));
  into.a.resize(by_channel.size());
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t s = 0; s < d_state; ++s) into.a[s * width + c] = by_channel[c * d_state + s];
  }
  CONTINUO_TRY(into.skip, binder.values(Role::mamba_skip, place, {width}));
  CONTINUO_TRY(into.out,
               binder.linear(Role::mamba_out, Role::mamba_out_bias, place, spec.proj_bias, {binder.d_model(), width}));
  return into;
}

Result<Mamba2Weights> bind_part(PartBinder& binder, const TensorPlace& place, const Mamba2Spec& spec) {
  const std::size_t inner = size(spec.d_inner()), channels = size(spec.conv_channels()), heads = size(spec.n_heads);
  Mamba2Weights into;
  CONTINUO_TRY(into.in, binder.linear(Role::mamba_in, Role::mamba_in_bias, place, spec.in_bias,
                                      {inner + channels + heads, binder.d_model()}));
  // Outputs are multiplied by the scale of the input, which is none of the bias.
  for (float& bias : into.in.bias) bias /= spec.input_scale;
  CONTINUO_TRY_VOID(convolution(binder, place, spec.conv_bias, {channels, size(spec.d_conv)}, into));
  CONTINUO_TRY(into.a, rates(binder, place, {heads}));
  CONTINUO_TRY(into.dt_bias, binder.decays(Role::mamba_dt_bias, place, {heads}, [](double value) { return value; }));
  CONTINUO_TRY(into.skip, binder.values(Role::mamba_skip, place, {heads}));
  if (spec.gate != Mamba2Spec::Gate::gate) {
    const bool by_group = binder.finder().rank(Role::mamba_norm, place) == 2;  // as GGUF files have it
    const std::size_t groups = by_group ? size(spec.n_groups) : 1;
    CONTINUO_TRY(into.norm.weight, binder.values(Role::mamba_norm, place, {groups, inner / groups}));
  }
  CONTINUO_TRY(into.out,
               binder.linear(Role::mamba_out, Role::mamba_out_bias, place, spec.out_bias, {binder.d_model(), inner}));
  return into;
}

}  // namespace continuo
