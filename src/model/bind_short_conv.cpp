// Gated short convolution.
#include "model/bind_parts.h"

namespace continuo {

Result<ShortConvWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ShortConvSpec& spec) {
  const auto width = static_cast<std::size_t>(spec.d_inner), kernel = static_cast<std::size_t>(spec.kernel);
  ShortConvWeights into;
  CONTINUO_TRY(into.in,
               binder.linear(Role::conv_in, Role::conv_in_bias, place, spec.bias, {3 * width, binder.d_model()}));
  CONTINUO_TRY(into.conv, binder.filters(Role::conv_filters, place, width, kernel));
  if (spec.bias) {
    CONTINUO_TRY(into.conv_bias, binder.values(Role::conv_filters_bias, place, {width}));
  }
  CONTINUO_TRY(into.out,
               binder.linear(Role::conv_out, Role::conv_out_bias, place, spec.bias, {binder.d_model(), width}));
  return into;
}

}  // namespace continuo
