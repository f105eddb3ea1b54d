#include "layers/rg_lru.h"

#include <algorithm>
#include <cmath>

#include "kernels/exp_values.h"
#include "layers/activation.h"
#include "layers/causal_conv.h"
#include "layers/linear.h"
#include "layers/probe.h"

namespace continuo {

namespace {

// One layer's work of one step. `x` becomes its convolution and then the hidden state, `y` the gated result.
struct Job {
  Step& step;
  const RgLruSpec& spec;
  const RgLruWeights& weights;
  StateSlot slot;
  Rows x, y, input_gate, recurrent_gate;

  std::size_t width() const { return static_cast<std::size_t>(spec.width); }
  std::size_t block_width() const { return width() / static_cast<std::size_t>(spec.n_blocks); }
  CausalConv conv() const {
    return {.weights = weights.conv,
            .bias = weights.conv_bias,
            .kernel = static_cast<std::size_t>(spec.d_conv),
            .channels = width()};
  }
};

// Consecutive rows, and the channels [first, first + n) of one block.
struct Part {
  std::size_t first_row, rows, first, n;
};

// A gate of one block: n rows of n weights, inputs outermost, and n biases.
struct Gate {
  const float *weights, *bias;
  Rows x, out;
};

// out[row][c] = -(bias[c] + sum of x[row][i] * weights[i][c], i in order) for N columns c of a block from
// `column` on.
template <std::size_t N>
void gate_columns(const Gate& gate, const Part& part, std::size_t column) {
  for (std::size_t row = part.first_row; row < part.first_row + part.rows; ++row) {
    const float* const x = gate.x[row] + part.first;
    float sums[N];
    std::copy_n(gate.bias + column, N, sums);
    for (std::size_t i = 0; i < part.n; ++i) {
      const float* const w = gate.weights + i * part.n + column;
      for (std::size_t j = 0; j < N; ++j) sums[j] += x[i] * w[j];
    }
    float* const out = gate.out[row] + part.first + column;
    for (std::size_t j = 0; j < N; ++j) out[j] = -sums[j];
  }
}

// The sigmoid of the gate.
void run_gate(const Gate& gate, const Part& part) {
  constexpr std::size_t kWide = 32, kNarrow = 4;
  std::size_t column = 0;
  for (; column + kWide <= part.n; column += kWide) gate_columns<kWide>(gate, part, column);
  for (; column + kNarrow <= part.n; column += kNarrow) gate_columns<kNarrow>(gate, part, column);
  for (; column < part.n; ++column) gate_columns<1>(gate, part, column);
  for (std::size_t row = part.first_row; row < part.first_row + part.rows; ++row) {
    float* const out = gate.out[row] + part.first;
    exp_values(out, part.n);
    for (std::size_t i = 0; i < part.n; ++i) out[i] = 1.0f / (1.0f + out[i]);
  }
}

// A channel's S is its hidden state.
class RgLruView : public RecurrenceView {
 public:
  explicit RgLruView(const Job& job)
      : RecurrenceView({.kind = "rg_lru", .unit = Unit::channel, .units = job.width(), .key_dim = 1}, job.step.rows()),
        job_(job),
        factors_(job.step.rows() * job.width()) {
    const StateSlot hidden{job.slot.layer, job.slot.first_float + job.conv().state_floats()};
    const auto state = job.step.recurrent(0, hidden, job.width());
    before_.assign(state.begin(), state.end());
  }
  // The factor of a row's gated input.
  void keep_factor(std::size_t row, std::size_t channel, float factor) {
    factors_[row * shape().units + channel] = factor;
  }
  double before(std::size_t channel, std::size_t, std::size_t) const override { return before_[channel]; }
  void update(std::size_t row, std::size_t channel, TokenUpdate& out) const override {
    const double gate = job_.input_gate[row][channel], factor = factors_[row * shape().units + channel];
    const bool first_token = job_.step.places[row].position == 0;
    out = {
        .keep = {first_token ? 0 : double(job_.recurrent_gate[row][channel])}, .write = {gate * factor}, .read = {1}};
  }

 private:
  Job job_;
  std::vector<float> before_, factors_;
};

// The recurrence over the rows of a segment; x becomes h, the recurrent gate a.
template <class Report>
void scan(const Job& job, const Part& part, float* hidden, Report& report) {
  std::vector<float> square(part.n);
  for (std::size_t row = part.first_row; row < part.first_row + part.rows; ++row) {
    const bool first_token = job.step.places[row].position == 0;
    float *const x = job.x[row] + part.first, *const a = job.recurrent_gate[row] + part.first,
                 *const a_squared = square.data();
    const float* const input_gate = job.input_gate[row] + part.first;
    for (std::size_t c = 0; c < part.n; ++c) {
      a[c] *= job.weights.decay[part.first + c];
      a_squared[c] = 2.0f * a[c];
    }
    exp_values(a, part.n);
    exp_values(a_squared, part.n);
    for (std::size_t c = 0; c < part.n; ++c) {
      const float input = x[c] * input_gate[c];
      const float factor = first_token ? 1.0f : std::sqrt(std::max(1.0f - a_squared[c], 0.0f));
      hidden[c] = first_token ? input : a[c] * hidden[c] + input * factor;
      x[c] = hidden[c];
      report.with_view([&](auto& view) { view.keep_factor(row, part.first + c, factor); });
    }
  }
}

template <class Report>
void run_block(const Job& job, std::size_t segment, std::size_t block, Report& report) {
  const std::size_t n = job.block_width();
  const Part part{job.step.first_rows[segment], job.step.segments[segment].tokens.size(), block * n, n};
  const CausalConv conv = job.conv();
  causal_conv(job.step.kernels, conv, job.step.recurrent(segment, job.slot, conv.state_floats()),
              {job.x[part.first_row], job.x.stride}, part.rows, part.first, n);
  const std::size_t last_row = part.first_row + part.rows;
  for (std::size_t row = part.first_row; row < last_row; ++row)
    report.keep_values(row, part.first, job.x[row] + part.first, n);
  const RgLruWeights& w = job.weights;
  const std::size_t square = block * n * n;
  run_gate({w.input_gate.data() + square, w.input_gate_bias.data() + part.first, job.x, job.input_gate}, part);
  run_gate({w.recurrent_gate.data() + square, w.recurrent_gate_bias.data() + part.first, job.x, job.recurrent_gate},
           part);
  const StateSlot hidden{job.slot.layer, job.slot.first_float + conv.state_floats() + part.first};
  scan(job, part, job.step.recurrent(segment, hidden, n).data(), report);
  const KernelTable::Activate activate = activation_kernel(job.step.kernels, job.spec.activation);
  for (std::size_t row = part.first_row; row < last_row; ++row) {
    report.keep_results(row, part.first, job.x[row] + part.first, n);
    float* const y = job.y[row] + part.first;
    activate(y, job.x[row] + part.first, n);
    round_values(job.step, job.y.rounded, row, part.first, {y, n});
  }
}

}  // namespace

template <class Probe>
void RgLru::run(Step& step, const RgLruSpec& spec, const RgLruWeights& weights, StateSlot slot, Rows x, Branch out,
                Probe probe) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.width),
                    n_blocks = static_cast<std::size_t>(spec.n_blocks), block_width = width / n_blocks;
  // Blocks are rounded where they are computed if they are whole.
  const bool whole = block_width % kInt8Block == 0;
  const Job job{.step = step,
                .spec = spec,
                .weights = weights,
                .slot = slot,
                .x = x_.rows(rows, width),
                .y = whole ? rows_for(step, {{&weights.out}, true}, y_, rows, width) : y_.rows(rows, width),
                .input_gate = input_gate_.rows(rows, width),
                .recurrent_gate = recurrent_gate_.rows(rows, width)};
  linear(step, {{&weights.x, {job.x}}, {&weights.y, {job.y}}}, x, rows);
  ScanReport<Probe, RgLruView> report(probe, slot.layer, job);
  share(step, step.segments.size() * n_blocks, 2 * rows * width * block_width,
        [&](std::size_t i, int) { run_block(job, i / n_blocks, i % n_blocks, report); });
  report.done();
  linear(step, {{&weights.out, out}}, job.y, rows);
}

template void RgLru::run<NoListener>(Step&, const RgLruSpec&, const RgLruWeights&, StateSlot, Rows, Branch, NoListener);
template void RgLru::run<Listener&>(Step&, const RgLruSpec&, const RgLruWeights&, StateSlot, Rows, Branch, Listener&);

}  // namespace continuo
