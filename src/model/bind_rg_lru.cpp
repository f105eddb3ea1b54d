// Griffin's recurrent block.
#include <algorithm>
#include <cmath>

#include "model/bind_parts.h"

namespace continuo {

namespace {

constexpr double kDecayScale = 8;  // c in De et al. 2024, arXiv:2402.19427, section 2.4

// -c * softplus(what files hold)
double decay_of(double x) { return -kDecayScale * (std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)))); }

}  // namespace

Result<RgLruWeights> bind_part(PartBinder& binder, const TensorPlace& place, const RgLruSpec& spec) {
  const auto width = static_cast<std::size_t>(spec.width), n_blocks = static_cast<std::size_t>(spec.n_blocks),
             kernel = static_cast<std::size_t>(spec.d_conv), block = width / n_blocks;
  RgLruWeights into;
  const MapSize in{width, binder.d_model()};
  CONTINUO_TRY(into.x, binder.linear(Role::lru_x, Role::lru_x_bias, place, true, in));
  CONTINUO_TRY(into.y, binder.linear(Role::lru_y, Role::lru_y_bias, place, true, in));
  CONTINUO_TRY(into.conv, binder.filters(Role::conv_filters, place, width, kernel));
  CONTINUO_TRY(into.conv_bias, binder.values(Role::conv_filters_bias, place, {width}));
  CONTINUO_TRY(into.input_gate, binder.values(Role::lru_input_gate, place, {n_blocks, block, block}));
  CONTINUO_TRY(into.input_gate_bias, binder.values(Role::lru_input_gate_bias, place, {n_blocks, block}));
  CONTINUO_TRY(into.recurrent_gate, binder.values(Role::lru_recurrent_gate, place, {n_blocks, block, block}));
  CONTINUO_TRY(into.recurrent_gate_bias, binder.values(Role::lru_recurrent_gate_bias, place, {n_blocks, block}));
  CONTINUO_TRY(into.decay, binder.decays(Role::lru_decay, place, {width}, decay_of));
  CONTINUO_TRY(into.out, binder.linear(Role::lru_out, Role::lru_out_bias, place, true, {binder.d_model(), width}));
  return into;
}

}  // namespace continuo
