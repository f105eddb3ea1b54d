// Feed-forward networks and experts.
#include "base/check.h"
#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

Result<std::vector<Matrix>> experts(PartBinder& binder, Role role, const TensorPlace& place, std::size_t n, MapSize each) {
  if (!binder.finder().stored_per_part(role, place)) return binder.finder().stack(role, place, n, each.rows, each.cols);
  std::vector<Matrix> all;
  for (std::size_t e = 0; e < n; ++e) {
    CONTINUO_TRY(const Matrix one, binder.finder().matrix(role, {place.layer, e}, each.rows, each.cols));
    all.push_back(one);
  }
  return all;
}

Result<FeedForwardWeights> shared_expert(PartBinder& binder, const TensorPlace& place, const FeedForwardSpec& spec) {
  CONTINUO_CHECK(!spec.bias && spec.gated, "there are no roles for such a shared expert");
  const std::size_t d_ff = size(spec.d_ff);
  FeedForwardWeights into;
  if (binder.fused(Role::shared_gate_up, Role::shared_gate, place)) {
    CONTINUO_TRY(const Matrix both, binder.finder().matrix(Role::shared_gate_up, place, 2 * d_ff, binder.d_model()));
    into.gate.weight = outputs_of(both, 0, d_ff);
    into.up.weight = outputs_of(both, d_ff, d_ff);
  } else {
    CONTINUO_TRY(into.gate.weight, binder.finder().matrix(Role::shared_gate, place, d_ff, binder.d_model()));
    CONTINUO_TRY(into.up.weight, binder.finder().matrix(Role::shared_up, place, d_ff, binder.d_model()));
  }
  CONTINUO_TRY(into.down.weight, binder.finder().matrix(Role::shared_down, place, binder.d_model(), d_ff));
  return into;
}

}  // namespace

Result<FeedForwardWeights> bind_part(PartBinder& binder, const TensorPlace& place, const FeedForwardSpec& spec) {
  const std::size_t d_ff = size(spec.d_ff);
  FeedForwardWeights into;
  if (spec.gated && binder.fused(Role::ffn_gate_up, Role::ffn_gate, place)) {
    CONTINUO_CHECK(!spec.bias, "there is no role for the bias of gate and up in one");
    CONTINUO_TRY(const Matrix both, binder.finder().matrix(Role::ffn_gate_up, place, 2 * d_ff, binder.d_model()));
    into.gate.weight = outputs_of(both, 0, d_ff);
    into.up.weight = outputs_of(both, d_ff, d_ff);
  } else {
    if (spec.gated) {
      CONTINUO_TRY(into.gate,
                   binder.linear(Role::ffn_gate, Role::ffn_gate_bias, place, spec.bias, {d_ff, binder.d_model()}));
    }
    CONTINUO_TRY(into.up, binder.linear(Role::ffn_up, Role::ffn_up_bias, place, spec.bias, {d_ff, binder.d_model()}));
  }
  CONTINUO_TRY(into.down,
               binder.linear(Role::ffn_down, Role::ffn_down_bias, place, spec.bias, {binder.d_model(), d_ff}));
  return into;
}

Result<ExpertsWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ExpertsSpec& spec) {
  CONTINUO_CHECK(!spec.expert.bias && spec.expert.gated, "there are no roles for such experts");
  const std::size_t n = size(spec.n_experts), d_ff = size(spec.expert.d_ff);
  ExpertsWeights into;
  CONTINUO_TRY(into.router.weight, binder.finder().matrix(Role::router, place, n, binder.d_model()));
  if (spec.selection_bias) {
    CONTINUO_TRY(into.selection_bias, binder.values(Role::router_bias, place, {n}));
  }
  into.experts.resize(n);
  if (binder.fused(Role::expert_gate_up, Role::expert_gate, place)) {
    CONTINUO_TRY(const std::vector<Matrix> both,
                 experts(binder, Role::expert_gate_up, place, n, {2 * d_ff, binder.d_model()}));
    for (std::size_t e = 0; e < n; ++e) {
      into.experts[e].gate.weight = outputs_of(both[e], 0, d_ff);
      into.experts[e].up.weight = outputs_of(both[e], d_ff, d_ff);
    }
  } else {
    CONTINUO_TRY(const std::vector<Matrix> gates, experts(binder, Role::expert_gate, place, n, {d_ff, binder.d_model()}));
    CONTINUO_TRY(const std::vector<Matrix> ups, experts(binder, Role::expert_up, place, n, {d_ff, binder.d_model()}));
    for (std::size_t e = 0; e < n; ++e) {
      into.experts[e].gate.weight = gates[e];
      into.experts[e].up.weight = ups[e];
    }
  }
  CONTINUO_TRY(const std::vector<Matrix> downs, experts(binder, Role::expert_down, place, n, {binder.d_model(), d_ff}));
  for (std::size_t e = 0; e < n; ++e)
    into.experts[e].down.weight = downs[e];
  if (spec.shared) {
    CONTINUO_TRY(into.shared, shared_expert(binder, place, *spec.shared));
  }
  if (spec.shared_gate) {
    CONTINUO_TRY(into.shared_gate.weight, binder.finder().matrix(Role::shared_router, place, 1, binder.d_model()));
  }
  return into;
}

}  // namespace continuo
