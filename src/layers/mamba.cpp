#include "layers/mamba.h"

#include <algorithm>
#include <cmath>

#include "kernels/exp_values.h"
#include "layers/activation.h"
#include "layers/causal_conv.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr std::size_t kConvChannels = 256;  // that a thread takes at once
constexpr std::size_t kScanChannels = 64;   // the same of the scan: their state stays in the first-level cache

// One layer's scan of one step. Rows: `x` and `z` d_inner wide; `parameters` dt, B, C; `delta` d_inner wide.
struct Job {
  Step& step;
  const MambaSpec& spec;
  const MambaWeights& weights;
  StateSlot slot;
  Rows x, z, parameters, delta;

  std::size_t width() const { return static_cast<std::size_t>(spec.d_inner); }
  std::size_t d_state() const { return static_cast<std::size_t>(spec.d_state); }
  std::size_t dt_rank() const { return static_cast<std::size_t>(spec.dt_rank); }
  std::size_t segment_rows(std::size_t segment) const { return step.segments[segment].tokens.size(); }
};

CausalConv conv_of(const Job& job) {
  return {.weights = job.weights.conv,
          .bias = job.weights.conv_bias,
          .kernel = static_cast<std::size_t>(job.spec.d_conv),
          .channels = job.width()};
}

// x = act(conv(x)) for some channels of one segment's rows.
void convolve(const Job& job, std::size_t segment, std::size_t first, std::size_t n, int) {
  const std::size_t row = job.step.first_rows[segment], rows = job.segment_rows(segment);
  const CausalConv conv = conv_of(job);
  const Rows x{job.x[row], job.x.stride};
  causal_conv(job.step.kernels, conv, job.step.recurrent(segment, job.slot, conv.state_floats()), x, rows, first, n);
  const KernelTable::Activate activate = activation_kernel(job.step.kernels, job.spec.activation);
  for (std::size_t t = 0; t < rows; ++t) activate(x[t] + first, nullptr, n);
}

// For each channel h of d_state values.
class MambaView : public RecurrenceView {
 public:
  explicit MambaView(const Job& job)
      : RecurrenceView({.kind = "mamba", .unit = Unit::channel, .units = job.width(), .key_dim = job.d_state()},
                       job.step.rows()),
        job_(job) {
    StateSlot slot = job.slot;
    slot.first_float += conv_of(job).state_floats();
    const auto h = job.step.recurrent(0, slot, job.width() * job.d_state());
    before_.assign(h.begin(), h.end());
    for (std::size_t row = 0; row < rows(); ++row) keep_values(row, 0, job.x[row], job.width());
  }
  double before(std::size_t channel, std::size_t s, std::size_t) const override {
    return before_[s * job_.width() + channel];
  }
  void update(std::size_t row, std::size_t channel, TokenUpdate& out) const override {
    const std::size_t n = job_.d_state();
    const float *const b = job_.parameters[row] + job_.dt_rank(), *const c = b + n;
    const double delta = job_.delta[row][channel];
    out = {.keep = std::vector<double>(n), .write = std::vector<double>(b, b + n), .read = {c, c + n}};
    for (std::size_t s = 0; s < n; ++s) {
      out.keep[s] = std::exp(delta * double(job_.weights.a[s * job_.width() + channel]));
      out.write[s] *= delta;
    }
    out.direct = job_.weights.skip[channel];
  }

 private:
  Job job_;
  std::vector<float> before_;
};

// Values of some channels: d_state rows of `n`, `stride` floats apart.
struct ChannelRows {
  float* data;
  std::size_t stride;
};

void copy_rows(ChannelRows from, ChannelRows to, std::size_t d_state, std::size_t n) {
  for (std::size_t s = 0; s < d_state; ++s) std::copy_n(from.data + s * from.stride, n, to.data + s * to.stride);
}

// z = (C h + skip x) * silu(z) for some channels of one segment's rows, whose state and decay rates are given.
template <class Report>
void scan_rows(const Job& job, std::size_t segment, std::size_t first, std::size_t n, ChannelRows state,
               const float* rates, Report& report) {
  const std::size_t d_state = job.d_state(), dt_rank = job.dt_rank();
  const float* const skip = job.weights.skip.data() + first;
  float y[kScanChannels];
  for (std::size_t t = 0; t < job.segment_rows(segment); ++t) {
    const std::size_t row = job.step.first_rows[segment] + t;
    const float* const parameters = job.parameters[row] + dt_rank;
    const float* const x = job.x[row] + first;
    float* const delta = job.delta[row] + first;
    softplus_values(delta, n);
    job.step.kernels.scan->channel_state({.state = state.data,
                                          .rates = rates,
                                          .stride = state.stride,
                                          .d_state = d_state,
                                          .n = n,
                                          .b = parameters,
                                          .c = parameters + d_state,
                                          .delta = delta,
                                          .x = x,
                                          .skip = skip,
                                          .out = y});
    report.keep_results(row, first, y, n);
    job.step.kernels.silu(job.z[row] + first, y, n);
  }
}

// The same. Through several rows state and rates stand side by side in the worker's scratch: rows as far apart as the
// layer is wide would push each other out of the first-level cache.
template <class Report>
void scan(const Job& job, std::size_t segment, std::size_t first, std::size_t n, int worker, Report& report) {
  constexpr std::size_t kWorthCopying = 4;  // rows
  const std::size_t width = job.width(), d_state = job.d_state();
  StateSlot slot = job.slot;
  slot.first_float += conv_of(job).state_floats();
  const ChannelRows state{job.step.recurrent(segment, slot, width * d_state).data() + first, width};
  if (job.segment_rows(segment) < kWorthCopying)
    return scan_rows(job, segment, first, n, state, job.weights.a.data() + first, report);
  const ChannelRows near{job.step.scratch.get(worker, 2 * d_state * n), n}, rates{near.data + d_state * n, n};
  copy_rows(state, near, d_state, n);
  for (std::size_t s = 0; s < d_state; ++s)
    std::copy_n(job.weights.a.data() + s * width + first, n, rates.data + s * n);
  scan_rows(job, segment, first, n, near, rates.data, report);
  copy_rows(near, state, d_state, n);
}

// dt, B and C normalized, each by itself.
void normalize_parameters(const Job& job) {
  if (!job.spec.inner_norm) return;
  const NormSpec& norm = *job.spec.inner_norm;
  const std::size_t rows = job.step.rows(), width = job.parameters.stride;
  share_rows(job.step, rows, rows * width, [&](std::size_t row, int) {
    float* at = job.parameters[row];
    for (const NormWeights* weights : {&job.weights.dt_norm, &job.weights.b_norm, &job.weights.c_norm}) {
      const std::size_t n = weights->weight.size();
      normalize_row(job.step.kernels, norm, *weights, 0, {at, n}, at);
      at += n;
    }
  });
}

// task(job, segment, first, n, worker) for all segments and all channels, `together` of them at once.
template <class Task>
void share_channels(const Job& job, std::size_t together, std::size_t work, Task task) {
  const std::size_t width = job.width(), groups = (width + together - 1) / together;
  share(job.step, job.step.segments.size() * groups, work, [&](std::size_t i, int worker) {
    const std::size_t first = i % groups * together;
    task(job, i / groups, first, std::min(together, width - first), worker);
  });
}

}  // namespace

template <class Probe>
void Mamba::run(Step& step, const MambaSpec& spec, const MambaWeights& weights, StateSlot slot, Rows x, Branch out,
                Probe probe) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.d_inner);
  const std::size_t d_state = static_cast<std::size_t>(spec.d_state);
  const Rows projected = projected_.rows(rows, 2 * width);
  const Rows parameters = parameters_.rows(rows, static_cast<std::size_t>(spec.dt_rank) + 2 * d_state);
  const Job job{step, spec, weights, slot, projected, projected.from(width), parameters, delta_.rows(rows, width)};
  linear(step, {{&weights.in, {projected}}}, x, rows);
  share_channels(job, kConvChannels, rows * width * static_cast<std::size_t>(spec.d_conv), convolve);
  linear(step, {{&weights.x, {parameters}}}, job.x, rows);
  normalize_parameters(job);
  linear(step, {{&weights.dt, {job.delta}}}, parameters, rows);
  constexpr std::size_t kCost = 12;  // multiply-adds that a value of the state takes as long as
  ScanReport<Probe, MambaView> report(probe, slot.layer, job);
  share_channels(job, kScanChannels, kCost * rows * width * d_state,
                 [&](const Job& one, std::size_t segment, std::size_t first, std::size_t n, int worker) {
                   scan(one, segment, first, n, worker, report);
                 });
  report.done();
  linear(step, {{&weights.out, out}}, job.z, rows);
}

template void Mamba::run<NoListener>(Step&, const MambaSpec&, const MambaWeights&, StateSlot, Rows, Branch, NoListener);
template void Mamba::run<Listener&>(Step&, const MambaSpec&, const MambaWeights&, StateSlot, Rows, Branch, Listener&);

}  // namespace continuo
