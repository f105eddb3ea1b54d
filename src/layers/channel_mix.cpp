#include "layers/channel_mix.h"

#include <algorithm>

#include "layers/linear.h"
#include "layers/probe.h"
#include "layers/token_shift.h"

namespace continuo {

namespace {

void mix(Step& step, const ChannelMixSpec& spec, Rows x, Rows before, std::span<const float> share, Rows out) {
  if (spec.version <= 5) {
    mix_rows(step, x, before, share, out);
  } else {
    mix_differences(step, x, before, share, {}, out);
  }
}

}  // namespace

template <class Probe>
void ChannelMix::run(Step& step, const ChannelMixSpec& spec, const ChannelMixWeights& weights, StateSlot slot, Rows x,
                     Branch out, Probe probe) {
  const std::size_t rows = step.rows(), d_model = static_cast<std::size_t>(spec.d_model),
                    d_ff = static_cast<std::size_t>(spec.d_ff);
  const Rows before = before_.rows(rows, d_model), mixed = mixed_.rows(rows, d_model);
  const Rows hidden = hidden_.rows(rows, d_ff);
  rows_before(step, slot, x, d_model, before);
  mix(step, spec, x, before, weights.mix_k, mixed);
  linear(step, {{&weights.key, {hidden}}}, mixed, rows);
  share_rows(step, rows, rows * d_ff,
             [&](std::size_t row, int) { step.kernels.relu_squared(hidden[row], nullptr, d_ff); });
  if constexpr (!std::is_same_v<Probe, NoListener>) {
    probe.activated(slot.layer, {hidden.data, hidden.stride, rows, d_ff});
  }
  linear(step, {{&weights.value, {out.rows}}}, hidden, rows);
  if (!spec.receptance) return;
  const Rows receptance = receptance_.rows(rows, d_model);
  mix(step, spec, x, before, weights.mix_r, mixed);
  linear(step, {{&weights.receptance, {receptance}}}, mixed, rows);
  share_rows(step, rows, 8 * rows * d_model, [&](std::size_t row, int) {
    step.kernels.sigmoid(receptance[row], out.rows[row], d_model);
    std::copy_n(receptance[row], d_model, out.rows[row]);
  });
}

template void ChannelMix::run<NoListener>(Step&, const ChannelMixSpec&, const ChannelMixWeights&, StateSlot, Rows,
                                          Branch, NoListener);
template void ChannelMix::run<Listener&>(Step&, const ChannelMixSpec&, const ChannelMixWeights&, StateSlot, Rows,
                                         Branch, Listener&);

}  // namespace continuo
