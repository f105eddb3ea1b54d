#include "layers/mamba2.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/exp_values.h"
#include "layers/activation.h"
#include "layers/causal_conv.h"
#include "layers/linear.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr std::size_t kConvChannels = 256;  // that a thread takes at once

// Where the parts of a projected row begin: z, then x, B and C, which are convolved together, then dt.
struct Columns {
  std::size_t x, b, c, dt, end;

  explicit Columns(const Mamba2Spec& spec) {
    const auto inner = static_cast<std::size_t>(spec.d_inner());
    const std::size_t groups = static_cast<std::size_t>(spec.n_groups) * static_cast<std::size_t>(spec.d_state);
    x = inner;
    b = x + inner;
    c = b + groups;
    dt = c + groups;
    end = dt + static_cast<std::size_t>(spec.n_heads);
  }
};

// One layer's scan of one step. `all`: z, x, B, C, dt side by side.
struct Job {
  Step& step;
  const Mamba2Spec& spec;
  const Mamba2Weights& weights;
  StateSlot slot;
  Columns columns;
  Rows all;
  std::array<float, 5> scales;  // of z, x, B, C, dt

  std::size_t segment_rows(std::size_t segment) const { return step.segments[segment].tokens.size(); }
};

CausalConv conv_of(const Job& job) {
  return {.weights = job.weights.conv,
          .bias = job.weights.conv_bias,
          .kernel = static_cast<std::size_t>(job.spec.d_conv),
          .channels = static_cast<std::size_t>(job.spec.conv_channels())};
}

std::array<float, 5> scales_of(const Mamba2Spec& spec) {
  std::array<float, 5> scales;
  scales.fill(spec.input_scale);
  for (std::size_t i = 0; i < spec.scales.size(); ++i) scales[i] *= spec.scales[i];
  return scales;
}

// row[first .. last) *= scale, of the columns that are in [begin, end) as well.
void scale_columns(float* row, std::size_t first, std::size_t last, std::size_t begin, std::size_t end, float scale) {
  for (std::size_t i = std::max(first, begin); i < std::min(last, end); ++i) row[i] *= scale;
}

// x, B, C = act(conv(x, B, C)) for the columns [first, first + n) of one segment's rows, counted from x.
void convolve(const Job& job, std::size_t segment, std::size_t first, std::size_t n) {
  const std::size_t row = job.step.first_rows[segment], rows = job.segment_rows(segment);
  const Columns& columns = job.columns;
  for (std::size_t t = 0; t < rows; ++t) {
    float* const all = job.all[row + t];
    const std::size_t begin = columns.x + first;
    if (job.scales[1] != 1) scale_columns(all, begin, begin + n, columns.x, columns.b, job.scales[1]);
    if (job.scales[2] != 1) scale_columns(all, begin, begin + n, columns.b, columns.c, job.scales[2]);
    if (job.scales[3] != 1) scale_columns(all, begin, begin + n, columns.c, columns.dt, job.scales[3]);
  }
  const CausalConv conv = conv_of(job);
  const Rows x{job.all[row] + columns.x, job.all.stride};
  causal_conv(job.step.kernels, conv, job.step.recurrent(segment, job.slot, conv.state_floats()), x, rows, first, n);
  const KernelTable::Activate activate = activation_kernel(job.step.kernels, job.spec.activation);
  for (std::size_t t = 0; t < rows; ++t) activate(x[t] + first, nullptr, n);
}

// D = softplus(dt + b) within its limits; what is no number stays so.
float step_size(const Mamba2Spec& spec, float dt) {
  softplus_values(&dt, 1);
  if (dt < spec.dt_min) dt = spec.dt_min;
  if (spec.dt_max > 0 && dt > spec.dt_max) dt = spec.dt_max;
  return dt;
}

class Mamba2View : public RecurrenceView {
 public:
  explicit Mamba2View(const Job& job)
      : RecurrenceView({.kind = "mamba2",
                        .unit = Unit::head,
                        .units = static_cast<std::size_t>(job.spec.n_heads),
                        .key_dim = static_cast<std::size_t>(job.spec.d_state),
                        .value_dim = static_cast<std::size_t>(job.spec.head_dim)},
                       job.step.rows()),
        job_(job) {
    const auto inner = static_cast<std::size_t>(job.spec.d_inner());
    StateSlot slot = job.slot;
    slot.first_float += conv_of(job).state_floats();
    const auto states = job.step.recurrent(0, slot, inner * shape().key_dim);
    before_.assign(states.begin(), states.end());
    for (std::size_t row = 0; row < rows(); ++row) keep_values(row, 0, job.all[row] + job.columns.x, inner);
  }
  double before(std::size_t head, std::size_t s, std::size_t value) const override {
    return before_[(head * shape().key_dim + s) * shape().value_dim + value];
  }
  void update(std::size_t row, std::size_t head, TokenUpdate& out) const override {
    const std::size_t n = shape().key_dim,
                      heads_per_group = shape().units / static_cast<std::size_t>(job_.spec.n_groups);
    const float* const all = job_.all[row];
    const float *const b = all + job_.columns.b + head / heads_per_group * n, *const c = all + job_.columns.c +
                                                                                         head / heads_per_group * n;
    const double delta =
        step_size(job_.spec, all[job_.columns.dt + head] * job_.scales[4] + job_.weights.dt_bias[head]);
    out = {.keep = std::vector<double>(n, std::exp(delta * double(job_.weights.a[head]))),
           .write = std::vector<double>(b, b + n),
           .read = {c, c + n}};
    for (double& write : out.write) write *= delta;
    out.direct = job_.weights.skip[head];
  }

 private:
  Job job_;
  std::vector<float> before_;
};

// y = S C + skip x, in the place of x, for one head of one segment's rows. `scratch`: room for 2 * d_state floats.
template <class Report>
void scan(const Job& job, std::size_t segment, std::size_t head, float* scratch, Report& report) {
  const Mamba2Spec& spec = job.spec;
  const auto head_dim = static_cast<std::size_t>(spec.head_dim), d_state = static_cast<std::size_t>(spec.d_state);
  const std::size_t heads_per_group = static_cast<std::size_t>(spec.n_heads / spec.n_groups);
  StateSlot slot = job.slot;
  slot.first_float += conv_of(job).state_floats() + head * head_dim * d_state;
  float* const state = job.step.recurrent(segment, slot, head_dim * d_state).data();
  float *const keep = scratch, *const write = scratch + d_state;
  for (std::size_t t = 0; t < job.segment_rows(segment); ++t) {
    const std::size_t place = job.step.first_rows[segment] + t;
    float* const all = job.all[place];
    const std::size_t group = head / heads_per_group * d_state;
    const float delta = step_size(spec, all[job.columns.dt + head] * job.scales[4] + job.weights.dt_bias[head]);
    float decay = delta * job.weights.a[head];
    exp_values(&decay, 1);
    std::fill_n(keep, d_state, decay);
    for (std::size_t s = 0; s < d_state; ++s) write[s] = delta * all[job.columns.b + group + s];
    float* const x = all + job.columns.x + head * head_dim;
    job.step.kernels.scan->matrix_state({.state = state,
                                         .stride = head_dim,
                                         .keys = d_state,
                                         .n = head_dim,
                                         .keep = keep,
                                         .take = nullptr,
                                         .key = nullptr,
                                         .write = write,
                                         .read = all + job.columns.c + group,
                                         .direct = job.weights.skip[head],
                                         .reads_before = false,
                                         .value = x,
                                         .out = x});
    report.keep_results(place, head * head_dim, x, head_dim);
  }
}

// z = the gated result of one row: silu(z), y and the norm put together as the spec says.
void gate(const Job& job, float* all) {
  const Mamba2Spec& spec = job.spec;
  const auto inner = static_cast<std::size_t>(spec.d_inner());
  const std::size_t group = inner / static_cast<std::size_t>(spec.norm_groups);
  float *const z = all, *const y = all + job.columns.x;
  const auto normalize_groups = [&](float* values) {
    for (std::size_t first = 0; first < inner; first += group) {
      job.step.kernels.rms_norm(values + first, job.weights.norm.weight.data() + first, spec.norm_eps, values + first,
                                group);
    }
  };
  if (job.scales[0] != 1) scale_columns(all, 0, inner, 0, inner, job.scales[0]);
  if (spec.gate == Mamba2Spec::Gate::gated_norm) normalize_groups(y);
  job.step.kernels.silu(z, y, inner);
  if (spec.gate == Mamba2Spec::Gate::norm_gated) normalize_groups(z);
}

}  // namespace

template <class Probe>
void Mamba2::run(Step& step, const Mamba2Spec& spec, const Mamba2Weights& weights, StateSlot slot, Rows x, Branch out,
                 Probe probe) {
  const std::size_t rows = step.rows(), segments = step.segments.size();
  const auto inner = static_cast<std::size_t>(spec.d_inner()), heads = static_cast<std::size_t>(spec.n_heads);
  const auto channels = static_cast<std::size_t>(spec.conv_channels());
  const Columns columns(spec);
  const Job job{step, spec, weights, slot, columns, projected_.rows(rows, columns.end), scales_of(spec)};
  linear(step, {{&weights.in, {job.all}}}, x, rows);

  const std::size_t groups = (channels + kConvChannels - 1) / kConvChannels;
  share(step, segments * groups, rows * channels * static_cast<std::size_t>(spec.d_conv), [&](std::size_t i, int) {
    const std::size_t first = i % groups * kConvChannels;
    convolve(job, i / groups, first, std::min(kConvChannels, channels - first));
  });
  ScanReport<Probe, Mamba2View> report(probe, slot.layer, job);
  share(step, segments * heads, 2 * rows * inner * static_cast<std::size_t>(spec.d_state),
        [&](std::size_t i, int worker) {
          float* const scratch = step.scratch.get(worker, 2 * static_cast<std::size_t>(spec.d_state));
          scan(job, i / heads, i % heads, scratch, report);
        });
  report.done();
  constexpr std::size_t kCost = 8;  // multiply-adds that a gated value takes as long as
  share_rows(step, rows, kCost * rows * inner, [&](std::size_t row, int) { gate(job, job.all[row]); });
  linear(step, {{&weights.out, out}}, job.all, rows);
}

template void Mamba2::run<NoListener>(Step&, const Mamba2Spec&, const Mamba2Weights&, StateSlot, Rows, Branch,
                                      NoListener);
template void Mamba2::run<Listener&>(Step&, const Mamba2Spec&, const Mamba2Weights&, StateSlot, Rows, Branch,
                                     Listener&);

}  // namespace continuo
