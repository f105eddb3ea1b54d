// Blocks whose weights several layers share.
#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

Result<Adapter> adapter(PartBinder& binder, Role in, Role out, const TensorPlace& place, std::size_t rank,
                        MapSize map) {
  Adapter into;
  CONTINUO_TRY(into.in, binder.linear(in, place, {rank, map.cols}));
  CONTINUO_TRY(into.out, binder.linear(out, place, {map.rows, rank}));
  return into;
}

// What all layers of an owner have in common.
Result<SharedBlockWeights> shared_part(PartBinder& binder, const TensorPlace& owner, const SharedBlockSpec& spec) {
  const std::size_t d_model = binder.d_model(), d_ff = size(spec.d_ff);
  SharedBlockWeights into;
  CONTINUO_TRY(into.norm, binder.norm({Role::shared_block_norm, {}, owner}, spec.norm, {2 * d_model}));
  CONTINUO_TRY(into.attention, bind_part(binder, owner, spec.attention));
  CONTINUO_TRY(into.ffn_norm, binder.norm({Role::ffn_norm, {}, owner}, spec.norm, {d_model}));
  CONTINUO_TRY(const Linear both, binder.linear(Role::ffn_gate_up, owner, {2 * d_ff, d_model}));
  into.gate = outputs_of(both, 0, d_ff);
  into.up = outputs_of(both, d_ff, d_ff);
  CONTINUO_TRY(into.down, binder.linear(Role::ffn_down, owner, {d_model, d_ff}));
  return into;
}

// The adapters of one use of a block, which are stored with its owner.
Result<void> bind_adapters(PartBinder& binder, const TensorPlace& place, const SharedBlockSpec& spec,
                           SharedBlockWeights& into) {
  const std::size_t d_model = binder.d_model(), d_ff = size(spec.d_ff);
  CONTINUO_TRY(const Adapter both, adapter(binder, Role::ffn_adapter_in, Role::ffn_adapter_out, place,
                                           size(spec.ffn_rank), {2 * d_ff, d_model}));
  into.gate_adapter = {both.in, outputs_of(both.out, 0, d_ff)};
  into.up_adapter = {both.in, outputs_of(both.out, d_ff, d_ff)};
  const AttentionSpec& attention = spec.attention;
  if (attention.adapter_rank == 0) return {};
  const std::size_t rank = size(attention.adapter_rank), d_in = size(attention.d_in);
  const std::size_t q_rows = size(attention.n_heads) * size(attention.head_dim),
                    kv_rows = size(attention.n_kv_heads) * size(attention.head_dim);
  CONTINUO_TRY(into.attention.q_adapter, adapter(binder, Role::attention_q_adapter_in, Role::attention_q_adapter_out,
                                                 place, rank, {q_rows, d_in}));
  CONTINUO_TRY(into.attention.k_adapter, adapter(binder, Role::attention_k_adapter_in, Role::attention_k_adapter_out,
                                                 place, rank, {kv_rows, d_in}));
  CONTINUO_TRY(into.attention.v_adapter, adapter(binder, Role::attention_v_adapter_in, Role::attention_v_adapter_out,
                                                 place, rank, {kv_rows, d_in}));
  return {};
}

}  // namespace

Result<SharedBlockWeights> bind_part(PartBinder& binder, const TensorPlace& place, const SharedBlockSpec& spec) {
  const TensorPlace owner{spec.owner, spec.use};
  if (!binder.shared().count(spec.owner)) {
    CONTINUO_TRY(SharedBlockWeights bound, shared_part(binder, owner, spec));
    binder.shared().emplace(spec.owner, std::move(bound));
  }
  SharedBlockWeights into = binder.shared().at(spec.owner);
  CONTINUO_TRY_VOID(bind_adapters(binder, owner, spec, into));
  CONTINUO_TRY(into.link, binder.linear(Role::shared_block_link, place, {binder.d_model(), binder.d_model()}));
  CONTINUO_TRY(into.mixer_norm, binder.norm({Role::mixer_norm, {}, place}, spec.norm, {binder.d_model()}));
  CONTINUO_TRY(into.mixer, bind_part(binder, place, spec.mixer));
  return into;
}

}  // namespace continuo
