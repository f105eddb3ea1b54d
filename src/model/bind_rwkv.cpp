// RWKV's time mixing and channel mixing.
#include <cmath>

#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

double unchanged(double value) { return value; }

struct Values {
  Role role;
  std::vector<float>& into;
};

// Rows of d_model values each.
Result<void> bind_values(PartBinder& binder, const TensorPlace& place, std::size_t width,
                         std::initializer_list<Values> all) {
  for (const Values& one : all) {
    CONTINUO_TRY(one.into, binder.values(one.role, place, {width}));
  }
  return {};
}

struct Map {
  Role role;
  Linear& into;
  MapSize size;
};

Result<void> bind_maps(PartBinder& binder, const TensorPlace& place, std::initializer_list<Map> all) {
  for (const Map& one : all) {
    CONTINUO_TRY(one.into, binder.linear(one.role, place, one.size));
  }
  return {};
}

// Values for each channel of each head, however the file groups them.
Result<std::vector<float>> by_head(PartBinder& binder, Role role, const TensorPlace& place, const RwkvSpec& spec) {
  const std::size_t heads = size(spec.n_heads), dim = size(spec.head_dim);
  if (binder.finder().rank(role, place) == 1) return binder.values(role, place, {heads * dim});
  return binder.values(role, place, {heads, dim});
}

Result<void> bind_5(PartBinder& binder, const TensorPlace& place, const RwkvSpec& spec, RwkvWeights& into) {
  const std::size_t width = size(spec.d_model);
  CONTINUO_TRY_VOID(
      bind_values(binder, place, width,
                  {{Role::rwkv_mix_k, into.mix_k}, {Role::rwkv_mix_v, into.mix_v}, {Role::rwkv_mix_r, into.mix_r}}));
  if (spec.gate) {
    CONTINUO_TRY_VOID(bind_values(binder, place, width, {{Role::rwkv_mix_g, into.mix_g}}));
    CONTINUO_TRY(into.gate, binder.linear(Role::rwkv_gate, place, {width, width}));
  }
  const std::size_t heads = size(spec.n_heads), dim = size(spec.head_dim);
  const bool flat = binder.finder().rank(Role::rwkv_decay, place) == 1;
  const auto decay = [](double value) { return static_cast<double>(std::exp(-std::exp(static_cast<float>(value)))); };
  CONTINUO_TRY(into.decay, flat ? binder.decays(Role::rwkv_decay, place, {heads * dim}, decay)
                                : binder.decays(Role::rwkv_decay, place, {heads, dim}, decay));
  CONTINUO_TRY(into.first, by_head(binder, Role::rwkv_first, place, spec));
  return {};
}

// All shares in one tensor, rows in this order (GGUF files).
Result<void> bind_fused_shares(PartBinder& binder, const TensorPlace& place, std::size_t width,
                               std::initializer_list<std::vector<float>*> all) {
  CONTINUO_TRY(const std::vector<float> rows, binder.values(Role::rwkv_mix_fused, place, {all.size(), width}));
  auto from = rows.begin();
  for (std::vector<float>* into : all) {
    into->assign(from, from + static_cast<std::ptrdiff_t>(width));
    from += static_cast<std::ptrdiff_t>(width);
  }
  return {};
}

Result<void> bind_6(PartBinder& binder, const TensorPlace& place, const RwkvSpec& spec, RwkvWeights& into) {
  const std::size_t width = size(spec.d_model), rank = size(spec.shift_rank);
  CONTINUO_TRY_VOID(bind_values(binder, place, width, {{Role::rwkv_mix_x, into.mix_x}}));
  if (binder.finder().stored(Role::rwkv_mix_fused, place)) {
    CONTINUO_TRY_VOID(
        bind_fused_shares(binder, place, width, {&into.mix_w, &into.mix_k, &into.mix_v, &into.mix_r, &into.mix_g}));
  } else {
    CONTINUO_TRY_VOID(bind_values(binder, place, width,
                                  {{Role::rwkv_mix_w, into.mix_w},
                                   {Role::rwkv_mix_k, into.mix_k},
                                   {Role::rwkv_mix_v, into.mix_v},
                                   {Role::rwkv_mix_r, into.mix_r},
                                   {Role::rwkv_mix_g, into.mix_g}}));
  }
  CONTINUO_TRY(into.decay, binder.decays(Role::rwkv_decay, place, {width}, unchanged));
  CONTINUO_TRY_VOID(bind_maps(binder, place,
                              {{Role::rwkv_shift_1, into.shift_1, {5 * rank, width}},
                               {Role::rwkv_decay_1, into.decay_1, {size(spec.decay_rank), width}},
                               {Role::rwkv_decay_2, into.decay_2, {width, size(spec.decay_rank)}},
                               {Role::rwkv_gate, into.gate, {width, width}}}));
  CONTINUO_TRY(const std::vector<Matrix> shifts, binder.finder().stack(Role::rwkv_shift_2, place, 5, width, rank));
  for (const Matrix& shift : shifts) into.shift_2.push_back({shift, {}});
  CONTINUO_TRY(into.first, by_head(binder, Role::rwkv_first, place, spec));
  return {};
}

Result<void> bind_7(PartBinder& binder, const TensorPlace& place, const RwkvSpec& spec, RwkvWeights& into) {
  const std::size_t width = size(spec.d_model), values = size(spec.value_width());
  if (binder.finder().stored(Role::rwkv_mix_fused, place)) {
    CONTINUO_TRY_VOID(bind_fused_shares(
        binder, place, width, {&into.mix_r, &into.mix_w, &into.mix_k, &into.mix_v, &into.mix_a, &into.mix_g}));
  } else {
    CONTINUO_TRY_VOID(bind_values(binder, place, width,
                                  {{Role::rwkv_mix_w, into.mix_w},
                                   {Role::rwkv_mix_k, into.mix_k},
                                   {Role::rwkv_mix_v, into.mix_v},
                                   {Role::rwkv_mix_r, into.mix_r},
                                   {Role::rwkv_mix_g, into.mix_g},
                                   {Role::rwkv_mix_a, into.mix_a}}));
  }
  CONTINUO_TRY_VOID(bind_values(binder, place, width,
                                {{Role::rwkv_learning, into.learning},
                                 {Role::rwkv_key_scale, into.key_scale},
                                 {Role::rwkv_key_learning, into.key_learning}}));
  CONTINUO_TRY(into.decay, binder.decays(Role::rwkv_decay, place, {width}, unchanged));
  CONTINUO_TRY_VOID(bind_maps(binder, place,
                              {{Role::rwkv_decay_1, into.decay_1, {size(spec.decay_rank), width}},
                               {Role::rwkv_decay_2, into.decay_2, {width, size(spec.decay_rank)}},
                               {Role::rwkv_learning_1, into.learning_1, {size(spec.learning_rank), width}},
                               {Role::rwkv_learning_2, into.learning_2, {width, size(spec.learning_rank)}},
                               {Role::rwkv_gate_1, into.gate_1, {size(spec.gate_rank), width}},
                               {Role::rwkv_gate_2, into.gate_2, {values, size(spec.gate_rank)}}}));
  if (!spec.first_layer) {
    CONTINUO_TRY_VOID(bind_values(binder, place, values, {{Role::rwkv_value_mix, into.value_mix}}));
    CONTINUO_TRY_VOID(bind_maps(binder, place,
                                {{Role::rwkv_value_1, into.value_1, {size(spec.value_rank), width}},
                                 {Role::rwkv_value_2, into.value_2, {values, size(spec.value_rank)}}}));
  }
  CONTINUO_TRY(into.first, by_head(binder, Role::rwkv_first, place, spec));
  return {};
}

}  // namespace

Result<Rwkv4Weights> bind_part(PartBinder& binder, const TensorPlace& place, const Rwkv4Spec& spec) {
  const std::size_t d_model = size(spec.d_model), width = size(spec.d_attention);
  Rwkv4Weights into;
  CONTINUO_TRY_VOID(
      bind_values(binder, place, d_model,
                  {{Role::rwkv_mix_k, into.mix_k}, {Role::rwkv_mix_v, into.mix_v}, {Role::rwkv_mix_r, into.mix_r}}));
  CONTINUO_TRY_VOID(bind_values(binder, place, width, {{Role::rwkv_first, into.first}}));
  CONTINUO_TRY(into.decay, binder.decays(Role::rwkv_decay, place, {width}, [](double value) {
    return -static_cast<double>(std::exp(static_cast<float>(value)));
  }));
  CONTINUO_TRY_VOID(bind_maps(binder, place,
                              {{Role::rwkv_key, into.key, {width, d_model}},
                               {Role::rwkv_value, into.value, {width, d_model}},
                               {Role::rwkv_receptance, into.receptance, {width, d_model}},
                               {Role::rwkv_out, into.out, {d_model, width}}}));
  return into;
}

Result<RwkvWeights> bind_part(PartBinder& binder, const TensorPlace& place, const RwkvSpec& spec) {
  const std::size_t width = size(spec.d_model), values = size(spec.value_width());
  RwkvWeights into;
  CONTINUO_TRY_VOID(spec.version == 5   ? bind_5(binder, place, spec, into)
                    : spec.version == 6 ? bind_6(binder, place, spec, into)
                                        : bind_7(binder, place, spec, into));
  CONTINUO_TRY_VOID(bind_maps(binder, place,
                              {{Role::rwkv_receptance, into.receptance, {width, width}},
                               {Role::rwkv_key, into.key, {width, width}},
                               {Role::rwkv_value, into.value, {values, width}},
                               {Role::rwkv_out, into.out, {width, values}}}));
  CONTINUO_TRY(into.norm, binder.norm({Role::rwkv_norm, Role::rwkv_norm_bias, place}, LayerNormSpec{}, {values}));
  return into;
}

Result<ChannelMixWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ChannelMixSpec& spec) {
  const std::size_t d_model = size(spec.d_model), d_ff = size(spec.d_ff);
  ChannelMixWeights into;
  CONTINUO_TRY_VOID(bind_values(binder, place, d_model, {{Role::channel_mix_k, into.mix_k}}));
  CONTINUO_TRY_VOID(
      bind_maps(binder, place,
                {{Role::channel_key, into.key, {d_ff, d_model}}, {Role::channel_value, into.value, {d_model, d_ff}}}));
  if (!spec.receptance) return into;
  CONTINUO_TRY_VOID(bind_values(binder, place, d_model, {{Role::channel_mix_r, into.mix_r}}));
  CONTINUO_TRY(into.receptance, binder.linear(Role::channel_receptance, place, {d_model, d_model}));
  return into;
}

}  // namespace continuo
