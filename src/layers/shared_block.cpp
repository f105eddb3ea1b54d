#include "layers/shared_block.h"

#include <algorithm>

#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/probe.h"

namespace continuo {

template <class Probe>
Rows SharedBlock::feed(Step& step, const SharedBlockSpec& spec, const SharedBlockWeights& weights, StateSlot slot,
                       Rows x, Probe probe) {
  const std::size_t rows = step.rows(), d_ff = static_cast<std::size_t>(spec.d_ff);
  const Rows gate = gate_.rows(rows, d_ff), up = up_.rows(rows, d_ff);
  linear(step, {{&weights.gate, {gate}}, {&weights.up, {up}}}, x, rows);
  add_adapter(step, weights.gate_adapter, x, rows, gate, small_, extra_);
  add_adapter(step, weights.up_adapter, x, rows, up, small_, extra_);
  const KernelTable::Activate activate = activation_kernel(step.kernels, spec.activation);
  share_rows(step, rows, 8 * rows * d_ff, [&](std::size_t row, int) { activate(gate[row], up[row], d_ff); });
  probe.activated(slot.layer, {gate.data, gate.stride, rows, d_ff});
  const Rows fed = fed_.rows(rows, weights.down.weight.rows);
  linear(step, {{&weights.down, {fed}}}, gate, rows);
  return fed;
}

template <class Probe>
void SharedBlock::run(Step& step, const SharedBlockSpec& spec, const SharedBlockWeights& weights, StateSlot slot,
                      Rows x, Branch out, Probe probe) {
  const std::size_t rows = step.rows(), d_model = weights.link.weight.rows;
  const Rows pair = pair_.rows(rows, 2 * d_model), attended = attended_.rows(rows, d_model);
  for (std::size_t row = 0; row < rows; ++row)
    std::copy_n(step.embedded[row], d_model, std::copy_n(x[row], d_model, pair[row]));
  normalize(step, spec.norm, weights.norm, pair, rows, pair);
  attention_.run<Probe>(step, spec.attention, weights.attention, slot, pair, {attended}, probe);
  normalize(step, spec.norm, weights.ffn_norm, attended, rows, attended);
  const Rows fed = feed<Probe>(step, spec, weights, slot, attended, probe);
  const Rows linked = linked_.rows(rows, d_model);
  linear(step, {{&weights.link, {linked}}}, fed, rows);
  add(step, x, d_model, {linked, 1});
  normalize(step, spec.norm, weights.mixer_norm, linked, rows, linked);
  mixer_.run<Probe>(step, spec.mixer, weights.mixer, slot, linked, out, probe);
}

template void SharedBlock::run<NoListener>(Step&, const SharedBlockSpec&, const SharedBlockWeights&, StateSlot, Rows,
                                           Branch, NoListener);
template void SharedBlock::run<Listener&>(Step&, const SharedBlockSpec&, const SharedBlockWeights&, StateSlot, Rows,
                                          Branch, Listener&);

}  // namespace continuo
