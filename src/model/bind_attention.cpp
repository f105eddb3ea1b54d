// Attention.
#include "base/check.h"
#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// The norm of the queries or the keys of `n` heads.
Result<NormWeights> head_norm(PartBinder& binder, const NormRoles& at, const QkNormSpec& spec, std::size_t n,
                              std::size_t head_dim) {
  switch (spec.span) {
    case QkNormSpec::Span::head:
      return binder.norm(at, spec.norm, {head_dim});
    case QkNormSpec::Span::all_heads:
      return binder.norm(at, spec.norm, {n * head_dim});
    case QkNormSpec::Span::own_head:
      break;
  }
  if (!binder.finder().stored_per_part(at.weight, at.place)) return binder.norm(at, spec.norm, {n, head_dim});
  NormWeights all;
  for (std::size_t head = 0; head < n; ++head) {
    NormRoles of_head = at;
    of_head.place.part = head;
    CONTINUO_TRY(const NormWeights own, binder.norm(of_head, spec.norm, {head_dim}));
    all.weight.insert(all.weight.end(), own.weight.begin(), own.weight.end());
    all.bias.insert(all.bias.end(), own.bias.begin(), own.bias.end());
  }
  return all;
}

}  // namespace

Result<AttentionWeights> bind_part(PartBinder& binder, const TensorPlace& place, const AttentionSpec& spec) {
  using OutputGate = AttentionSpec::OutputGate;
  const std::size_t head_rows = size(spec.n_heads) * size(spec.head_dim);
  const std::size_t q_rows = head_rows * (spec.output_gate == OutputGate::value ? 2 : 1);
  const std::size_t kv_rows = size(spec.n_kv_heads) * size(spec.head_dim);
  AttentionWeights into;
  if (spec.grouped_qkv || binder.fused(Role::attention_qkv, Role::attention_q, place)) {
    CONTINUO_TRY(Linear all, binder.linear(Role::attention_qkv, Role::attention_qkv_bias, place, spec.qkv_bias,
                                    {q_rows + 2 * kv_rows, binder.d_model()}));
    if (spec.grouped_qkv) {
      into.qkv = std::move(all);
    } else {
      into.q = outputs_of(all, 0, q_rows);
      into.k = outputs_of(all, q_rows, kv_rows);
      into.v = outputs_of(all, q_rows + kv_rows, kv_rows);
    }
  } else {
    const auto part = [&](Role weight, Role bias, std::size_t rows) {
      return binder.linear(weight, bias, place, spec.qkv_bias, {rows, binder.d_model()});
    };
    CONTINUO_TRY(into.q, part(Role::attention_q, Role::attention_q_bias, q_rows));
    CONTINUO_TRY(into.k, part(Role::attention_k, Role::attention_k_bias, kv_rows));
    CONTINUO_TRY(into.v, part(Role::attention_v, Role::attention_v_bias, kv_rows));
  }
  if (spec.qk_norm) {
    const NormRoles q{Role::attention_q_norm, Role::attention_q_norm_bias, place};
    const NormRoles k{Role::attention_k_norm, Role::attention_k_norm_bias, place};
    CONTINUO_TRY(into.q_norm, head_norm(binder, q, *spec.qk_norm, size(spec.n_heads), size(spec.head_dim)));
    CONTINUO_TRY(into.k_norm, head_norm(binder, k, *spec.qk_norm, size(spec.n_kv_heads), size(spec.head_dim)));
  }
  CONTINUO_TRY(into.out, binder.linear(Role::attention_out, Role::attention_out_bias, place, spec.out_bias,
                                {binder.d_model(), head_rows}));
  if (spec.output_gate == OutputGate::head) {
    CONTINUO_TRY(into.gate, binder.linear(Role::attention_gate, place, {size(spec.n_heads), binder.d_model()}));
  }
  return into;
}

}  // namespace continuo
