// Gated delta net.
#include <cmath>

#include "model/bind_parts.h"

namespace continuo {

namespace {

struct Widths {
  std::size_t key, value, n_value_heads, kernel;
};

Result<void> bind_maps(PartBinder& binder, const TensorPlace& place, const Widths& widths, bool grouped,
                       DeltaNetWeights& into) {
  const auto map = [&](Role role, std::size_t rows) { return binder.linear(role, place, {rows, binder.d_model()}); };
  if (grouped) {
    CONTINUO_TRY(into.ba, map(Role::delta_ba, 2 * widths.n_value_heads));
    if (binder.finder().named(Role::delta_qkvz)) {
      CONTINUO_TRY(into.qkvz, map(Role::delta_qkvz, 2 * widths.key + 2 * widths.value));
    } else {  // GGUF files: those of all heads side by side
      CONTINUO_TRY(into.qkv, map(Role::delta_qkv, 2 * widths.key + widths.value));
      CONTINUO_TRY(into.z, map(Role::delta_z, widths.value));
    }
    return {};
  }
  if (binder.fused(Role::delta_qkv, Role::delta_q, place)) {
    CONTINUO_TRY(into.qkv, map(Role::delta_qkv, 2 * widths.key + widths.value));
  } else {
    CONTINUO_TRY(into.q, map(Role::delta_q, widths.key));
    CONTINUO_TRY(into.k, map(Role::delta_k, widths.key));
    CONTINUO_TRY(into.v, map(Role::delta_v, widths.value));
  }
  CONTINUO_TRY(into.z, map(Role::delta_z, widths.value));
  CONTINUO_TRY(into.b, map(Role::delta_b, widths.n_value_heads));
  CONTINUO_TRY(into.a, map(Role::delta_a, widths.n_value_heads));
  return {};
}

// The filters of queries, keys and values, in one tensor or in three.
Result<std::vector<float>> bind_filters(PartBinder& binder, const TensorPlace& place, const Widths& widths) {
  if (binder.fused(Role::conv_filters, Role::delta_q_filters, place)) {
    return binder.filters(Role::conv_filters, place, 2 * widths.key + widths.value, widths.kernel);
  }
  // transformers writes the one tensor that it has as three of equal size, wherever queries end and values
  // begin.
  const std::size_t total = 2 * widths.key + widths.value, third = total / 3;
  const bool thirds = total % 3 == 0 && binder.finder().first_extent(Role::delta_q_filters, place) == third;
  const std::size_t key = thirds ? third : widths.key, value = thirds ? third : widths.value;
  CONTINUO_TRY(const auto q, binder.filters(Role::delta_q_filters, place, key, widths.kernel));
  CONTINUO_TRY(const auto k, binder.filters(Role::delta_k_filters, place, key, widths.kernel));
  CONTINUO_TRY(const auto v, binder.filters(Role::delta_v_filters, place, value, widths.kernel));
  std::vector<float> all;
  all.reserve(q.size() + k.size() + v.size());
  const auto add_tap = [&](const std::vector<float>& part, std::size_t width, std::size_t tap) {
    const auto begin = part.begin() + static_cast<std::ptrdiff_t>(tap * width);
    all.insert(all.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  };
  for (std::size_t tap = 0; tap < widths.kernel; ++tap) {
    add_tap(q, key, tap);
    add_tap(k, key, tap);
    add_tap(v, value, tap);
  }
  return all;
}

}  // namespace

Result<DeltaNetWeights> bind_part(PartBinder& binder, const TensorPlace& place, const DeltaNetSpec& spec) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  const Widths widths{.key = size(spec.n_key_heads) * size(spec.key_dim),
                      .value = size(spec.n_value_heads) * size(spec.value_dim),
                      .n_value_heads = size(spec.n_value_heads),
                      .kernel = size(spec.d_conv)};
  DeltaNetWeights into;
  CONTINUO_TRY_VOID(bind_maps(binder, place, widths, spec.grouped, into));
  CONTINUO_TRY(into.conv, bind_filters(binder, place, widths));
  const std::initializer_list<std::size_t> heads = {widths.n_value_heads};
  if (binder.finder().named(Role::delta_decay)) {
    CONTINUO_TRY(into.decay,
                 binder.decays(Role::delta_decay, place, heads, [](double value) { return -std::exp(value); }));
  } else {
    CONTINUO_TRY(into.decay, binder.decays(Role::delta_rate, place, heads, [](double value) { return value; }));
  }
  CONTINUO_TRY(into.dt_bias, binder.decays(Role::delta_dt_bias, place, heads, [](double value) { return value; }));
  CONTINUO_TRY(into.norm,
               binder.norm({Role::delta_norm, {}, place}, RmsNormSpec{.eps = spec.norm_eps}, {size(spec.value_dim)}));
  CONTINUO_TRY(into.out, binder.linear(Role::delta_out, place, {binder.d_model(), widths.value}));
  return into;
}

}  // namespace continuo
