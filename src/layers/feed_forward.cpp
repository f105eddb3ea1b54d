#include "layers/feed_forward.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/reference_math.h"
#include "layers/activation.h"
#include "layers/norm.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr std::size_t kResultBytes = 256 << 10;  // that are activated together: they stay in a cache
constexpr std::size_t kWidthStep = 64;           // outputs: whole blocks, whole cache lines

// What is activated. `up` and `gate` have the same shape.
const Linear& first_map(const FeedForwardSpec& spec, const FeedForwardWeights& weights) {
  return spec.gated ? weights.gate : weights.up;
}

void scale_values(std::span<float> values, float scale) {
  for (float& value : values) value *= scale;
}

void multiply(std::span<float> values, const float* factors) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
}

// x > 0: a_p x^2 + b x; else a_n (e^min(x, eps) - 1 - x) + b x. Parameters: a_p, a_n, b, eps.
void xielu(std::span<float> values, std::span<const float> parameters) {
  CONTINUO_CHECK(parameters.size() == 4, "xIELU has four parameters");
  const float positive = parameters[0], negative = parameters[1], slope = parameters[2], eps = parameters[3];
  for (float& x : values) {
    const float bend = x > 0 ? positive * x * x : negative * (std::expm1(std::min(x, eps)) - x);
    x = bend + slope * x;
  }
}

void clamped_gate(const FeedForwardSpec::ClampedGate& spec, std::span<float> gates, const float* ups) {
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const float gate = std::min(gates[i], spec.limit), up = std::clamp(ups[i], -spec.limit, spec.limit);
    gates[i] = (up + 1) * gate * math::sigmoid(spec.alpha * gate);
  }
}

// What the hidden layer holds, given the results of its maps; `ups` is null where there is no gate.
void activate(const KernelTable& kernels, const FeedForwardSpec& spec, const FeedForwardWeights& weights,
              std::span<float> hidden, const float* ups) {
  if (spec.clamped_gate) {
    clamped_gate(*spec.clamped_gate, hidden, ups);
  } else if (spec.activation == Activation::xielu) {
    xielu(hidden, weights.xielu);
    for (std::size_t i = 0; ups && i < hidden.size(); ++i) hidden[i] *= ups[i];
  } else {
    activation_kernel(kernels, spec.activation)(hidden.data(), ups, hidden.size());
  }
}

}  // namespace

std::size_t hidden_panels(const Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights) {
  return panel_count(step, first_map(spec, weights).weight, kInt8Block);
}

// Few outputs and tokens at a time, so that what is activated is still in the cache.
void hidden_panel(const Step& step, const HiddenJob& job, std::size_t i, int worker) {
  if (job.tokens == 0) return;
  const Linear& gate = first_map(job.spec, job.weights);
  const Linear& up = job.weights.up;
  const Panel all = panel(step, gate.weight, i, kInt8Block);
  std::size_t together = tokens_together(step, gate, job.tokens);
  if (job.spec.gated) together = std::max(together, tokens_together(step, up, job.tokens));
  together = std::min(together, job.tokens);
  const std::size_t widest =
      std::max(kResultBytes / (2 * sizeof(float) * together) / kWidthStep, std::size_t{1}) * kWidthStep;
  for (Panel outputs = all; outputs.first < all.last; outputs.first = outputs.last) {
    outputs.last = std::min(all.last, outputs.first + widest);
    const std::size_t width = outputs.last - outputs.first;
    for (std::size_t first = 0; first < job.tokens; first += together) {
      const std::size_t n = std::min(together, job.tokens - first);
      const Rows x = rows_from(gate, job.x, first, n);
      const Rows ups{step.scratch.results(worker, 2 * n * width), width};
      const Rows hidden =
          job.hidden.data ? Rows{job.hidden[first] + outputs.first, job.hidden.stride} : Rows{ups[n], width};
      linear_panel(step, gate, outputs, x, n, hidden, worker);
      if (job.spec.gated) linear_panel(step, up, outputs, x, n, ups, worker);
      for (std::size_t t = 0; t < n; ++t) {
        if (job.spec.channel_scales) {
          multiply({hidden[t], width}, job.weights.gate_scales.data() + outputs.first);
          multiply({ups[t], width}, job.weights.up_scales.data() + outputs.first);
        }
        if (job.spec.gate_scale != 1) scale_values({hidden[t], width}, job.spec.gate_scale);
        activate(step.kernels, job.spec, job.weights, {hidden[t], width}, job.spec.gated ? ups[t] : nullptr);
        round_values(step, job.rounded, first + t, outputs.first, {hidden[t], width});
      }
    }
  }
}

void FeedForward::operator()(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x,
                             Branch out, bool keeps_hidden) {
  const std::size_t rows = step.rows(), d_ff = spec.d_ff;
  Rows hidden =
      spec.inner_norm ? hidden_.rows(rows, d_ff) : rows_for(step, {{&weights.down}, keeps_hidden}, hidden_, rows, d_ff);
  const std::size_t work = weights.up.weight.rows * weights.up.weight.cols * rows * (spec.gated ? 2 : 1);
  x = with_rounded(step, {&weights.up, &first_map(spec, weights)}, x, rows);
  share(step, hidden_panels(step, spec, weights), work, [&](std::size_t i, int worker) {
    hidden_panel(step, {spec, weights, x, rows, hidden, hidden.rounded}, i, worker);
  });
  if (spec.inner_norm) {
    const Rows normal = rows_for(step, {{&weights.down}, false}, normal_, rows, d_ff);
    normalize(step, *spec.inner_norm, weights.inner_norm, hidden, rows, normal);
    hidden = normal;
  }
  if (out.residual) out.residual->scale *= spec.down_scale;
  linear(step, {{&weights.down, out}}, hidden, rows);
  if (spec.down_scale == 1 || !out.rows.data) return;
  const std::size_t width = weights.down.weight.rows;
  share_rows(step, rows, rows * width, [&](std::size_t row, int) {
    scale_values({out.rows[row], width}, spec.down_scale);
  });
}

template <class Probe>
void FeedForward::run(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, StateSlot slot,
                      Rows x, Branch out, Probe probe) {
  constexpr bool kProbed = !std::is_same_v<Probe, NoListener>;
  (*this)(step, spec, weights, x, out, kProbed);
  if constexpr (kProbed) {
    const Rows all = hidden(step, spec);
    probe.activated(slot.layer, {all.data, all.stride, step.rows(), static_cast<std::size_t>(spec.d_ff)});
  }
}

template void FeedForward::run<NoListener>(Step&, const FeedForwardSpec&, const FeedForwardWeights&, StateSlot, Rows,
                                           Branch, NoListener);
template void FeedForward::run<Listener&>(Step&, const FeedForwardSpec&, const FeedForwardWeights&, StateSlot, Rows,
                                          Branch, Listener&);

}  // namespace continuo
