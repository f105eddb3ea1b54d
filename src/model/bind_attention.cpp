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

// Maps of the latent vector in one tensor, head after head the keys' and the values'. What a head's queries go through
// is the keys' map the other way round.
void split_latent(const LatentSpec& latent, std::size_t n_heads, const Matrix& both, AttentionWeights& into) {
  const std::size_t nope = size(latent.nope_dim), v_dim = size(latent.v_dim), rank = size(latent.kv_rank);
  for (std::size_t h = 0; h < n_heads; ++h) {
    const Matrix k = outputs_of(both, h * (nope + v_dim), nope);
    Matrix turned = k;
    turned.rows = rank;
    turned.cols = nope;
    turned.layout = Layout::transposed;
    into.k_b.push_back({turned, {}});
    into.v_b.push_back({outputs_of(both, h * (nope + v_dim) + nope, v_dim), {}});
  }
}

// (unit * s)^2 for each learned s.
Result<std::vector<float>> squared_scales(PartBinder& binder, Role role, const TensorPlace& place, std::size_t n,
                                          float unit) {
  CONTINUO_TRY(std::vector<float> scales, binder.values(role, place, {n}));
  for (float& scale : scales) scale = (unit * scale) * (unit * scale);
  return scales;
}

// Queries, and the latent vector of keys and values.
Result<void> bind_latent(PartBinder& binder, const TensorPlace& place, const AttentionSpec& spec,
                         AttentionWeights& into) {
  const LatentSpec& latent = *spec.latent;
  const std::size_t n_heads = size(spec.n_heads), nope = size(latent.nope_dim), turned = size(latent.rope_dim),
                    rank = size(latent.kv_rank), v_dim = size(latent.v_dim);
  const std::size_t q_rows = n_heads * (nope + turned);
  if (latent.q_rank > 0) {
    const std::size_t q_rank = size(latent.q_rank);
    CONTINUO_TRY(into.q_a, binder.linear(Role::latent_q_a, Role::latent_q_a_bias, place, spec.qkv_bias,
                                         {q_rank, binder.d_model()}));
    CONTINUO_TRY(into.q_a_norm, binder.norm({Role::latent_q_norm, {}, place}, latent.norm, {q_rank}));
    CONTINUO_TRY(into.q_b, binder.linear(Role::latent_q_b, place, {q_rows, q_rank}));
  } else {
    CONTINUO_TRY(into.q_b, binder.linear(Role::attention_q, place, {q_rows, binder.d_model()}));
  }
  CONTINUO_TRY(into.kv_a, binder.linear(Role::latent_kv_a, Role::latent_kv_a_bias, place, spec.qkv_bias,
                                        {rank + turned, binder.d_model()}));
  CONTINUO_TRY(into.kv_a_norm, binder.norm({Role::latent_kv_norm, {}, place}, latent.norm, {rank}));
  if (binder.fused(Role::latent_kv_b, Role::latent_k_b, place)) {
    CONTINUO_TRY(const Matrix both, binder.finder().matrix(Role::latent_kv_b, place, n_heads * (nope + v_dim), rank));
    if (!format_is_plain(both.format)) {
      return binder.finder().unreadable(Role::latent_kv_b, place,
                                        "weights in blocks cannot be read the other way round here");
    }
    split_latent(latent, n_heads, both, into);
    return {};
  }
  CONTINUO_TRY(const std::vector<Matrix> k, binder.finder().stack(Role::latent_k_b, place, n_heads, rank, nope));
  CONTINUO_TRY(const std::vector<Matrix> v, binder.finder().stack(Role::latent_v_b, place, n_heads, v_dim, rank));
  for (std::size_t h = 0; h < n_heads; ++h) {
    into.k_b.push_back({k[h], {}});
    into.v_b.push_back({v[h], {}});
  }
  return {};
}

// Queries, keys and values, in one tensor or apart.
Result<void> bind_qkv(PartBinder& binder, const TensorPlace& place, const AttentionSpec& spec, AttentionWeights& into) {
  using OutputGate = AttentionSpec::OutputGate;
  const std::size_t head_rows = size(spec.n_heads) * size(spec.head_dim);
  const std::size_t q_rows = head_rows * (spec.output_gate == OutputGate::value ? 2 : 1);
  const std::size_t d_in = spec.d_in > 0 ? size(spec.d_in) : binder.d_model();
  const std::size_t kv_rows = size(spec.n_kv_heads) * size(spec.head_dim);
  if (spec.grouped_qkv || binder.fused(Role::attention_qkv, Role::attention_q, place)) {
    CONTINUO_TRY(Linear all, binder.linear(Role::attention_qkv, Role::attention_qkv_bias, place, spec.qkv_bias,
                                           {q_rows + 2 * kv_rows, d_in}));
    if (spec.grouped_qkv) {
      into.qkv = std::move(all);
    } else {
      into.q = outputs_of(all, 0, q_rows);
      into.k = outputs_of(all, q_rows, kv_rows);
      into.v = outputs_of(all, q_rows + kv_rows, kv_rows);
    }
  } else if (spec.output_gate == OutputGate::apart && binder.fused(Role::attention_gqkv, Role::attention_q, place)) {
    CONTINUO_TRY(const Linear all, binder.linear(Role::attention_gqkv, place, {2 * head_rows + 2 * kv_rows, d_in}));
    into.gate = outputs_of(all, 0, head_rows);
    into.q = outputs_of(all, head_rows, head_rows);
    into.k = outputs_of(all, 2 * head_rows, kv_rows);
    into.v = outputs_of(all, 2 * head_rows + kv_rows, kv_rows);
  } else {
    const auto part = [&](Role weight, Role bias, std::size_t rows) {
      return binder.linear(weight, bias, place, spec.qkv_bias, {rows, d_in});
    };
    CONTINUO_TRY(into.q, part(Role::attention_q, Role::attention_q_bias, q_rows));
    if (spec.kv_layer) return {};
    CONTINUO_TRY(into.k, part(Role::attention_k, Role::attention_k_bias, kv_rows));
    if (spec.values_are_keys) return {};
    CONTINUO_TRY(into.v, part(Role::attention_v, Role::attention_v_bias, kv_rows));
  }
  return {};
}

}  // namespace

Result<AttentionWeights> bind_part(PartBinder& binder, const TensorPlace& place, const AttentionSpec& spec) {
  const std::size_t head_rows = size(spec.n_heads) * size(spec.latent ? spec.latent->v_dim : spec.head_dim);
  AttentionWeights into;
  if (spec.latent) {
    CONTINUO_TRY_VOID(bind_latent(binder, place, spec, into));
  } else {
    CONTINUO_TRY_VOID(bind_qkv(binder, place, spec, into));
  }
  if (spec.qk_norm) {
    const NormRoles q{Role::attention_q_norm, Role::attention_q_norm_bias, place};
    const NormRoles k{Role::attention_k_norm, Role::attention_k_norm_bias, place};
    CONTINUO_TRY(into.q_norm, head_norm(binder, q, *spec.qk_norm, size(spec.n_heads), size(spec.head_dim)));
    if (!spec.kv_layer) {
      CONTINUO_TRY(into.k_norm, head_norm(binder, k, *spec.qk_norm, size(spec.n_kv_heads), size(spec.head_dim)));
    }
  }
  if (spec.qk_bias) {
    CONTINUO_CHECK(spec.n_heads == spec.n_kv_heads && !spec.qkv_bias, "there is no such bias");
    CONTINUO_TRY(const std::vector<float> both,
                 binder.values(Role::attention_qk_bias, place, {2, size(spec.n_heads), size(spec.head_dim)}));
    const auto middle = both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2);
    into.q.bias.assign(both.begin(), middle);
    into.k.bias.assign(middle, both.end());
  }
  if (spec.query_scales) {
    CONTINUO_TRY(into.query_scales,
                 squared_scales(binder, Role::attention_query_scales, place, head_rows, spec.query_scale_unit));
  }
  if (spec.gate_scales) {
    CONTINUO_TRY(into.gate_scales,
                 squared_scales(binder, Role::attention_gate_scales, place, head_rows, spec.gate_scale_unit));
  }
  if (spec.v_norm) into.v_norm.weight.assign(size(spec.head_dim), 1);
  if (spec.sinks) {
    CONTINUO_TRY(into.sinks, binder.values(Role::attention_sinks, place, {size(spec.n_heads)}));
  }
  CONTINUO_TRY(into.out_norm, binder.norm({Role::attention_out_norm, {}, place}, spec.out_norm, {head_rows}));
  CONTINUO_TRY(into.out, binder.linear(Role::attention_out, Role::attention_out_bias, place, spec.out_bias,
                                       {binder.d_model(), head_rows}));
  if (spec.output_gate == AttentionSpec::OutputGate::apart && !into.gate.weight.data) {
    CONTINUO_TRY(into.gate, binder.linear(Role::attention_gate, Role::attention_gate_bias, place, spec.qkv_bias,
                                          {head_rows, binder.d_model()}));
  }
  if (spec.output_gate == AttentionSpec::OutputGate::head) {
    CONTINUO_TRY(into.gate, binder.linear(Role::attention_gate, place, {size(spec.n_heads), binder.d_model()}));
  }
  return into;
}

}  // namespace continuo
