#include "layers/rwkv4.h"

#include <algorithm>
#include <cmath>

#include "layers/linear.h"
#include "layers/probe.h"
#include "layers/token_shift.h"

namespace continuo {

namespace {

constexpr std::size_t kChannels = 64;  // that a thread takes at once

struct Job {
  const Rwkv4Weights& weights;
  std::span<float> state;  // numerators, denominators, largest exponents: `width` each
  Rows key, value, receptance;
  std::size_t width;
};

// A channel's S is its running average, of which each token takes a share of its own.
class Rwkv4View : public RecurrenceView {
 public:
  Rwkv4View(const Job& job, std::size_t n_rows)
      : RecurrenceView({.kind = "rwkv4", .unit = Unit::channel, .units = job.width, .key_dim = 1, .reads_before = true},
                       n_rows),
        before_(job.width),
        shares_(n_rows * job.width) {
    for (std::size_t row = 0; row < n_rows; ++row) keep_values(row, 0, job.value[row], job.width);
    for (std::size_t c = 0; c < job.width; ++c) {
      const double numerator = job.state[c], denominator = job.state[job.width + c];
      before_[c] = denominator == 0 ? 0 : numerator / denominator;
      // Logarithms of sums of weights.
      double old =
          denominator == 0 ? double(kNothingSeen) : std::log(denominator) + double(job.state[2 * job.width + c]);
      for (std::size_t row = 0; row < n_rows; ++row) {
        const double k = job.key[row][c];
        shares_[row * job.width + c] = {share(old, k + double(job.weights.first[c])),
                                        share(old + double(job.weights.decay[c]), k)};
        old = sum(old + double(job.weights.decay[c]), k);
      }
    }
  }
  double before(std::size_t channel, std::size_t, std::size_t) const override { return before_[channel]; }
  void update(std::size_t row, std::size_t channel, TokenUpdate& out) const override {
    const Shares& shares = shares_[row * shape().units + channel];
    out = {.keep = {1 - shares.written}, .write = {shares.written}, .read = {1 - shares.seen}, .direct = shares.seen};
  }

 private:
  struct Shares {
    double seen = 0, written = 0;  // of the token's value in what it reads and in what is kept
  };
  static double sum(double a, double b) { return std::max(a, b) + std::log1p(std::exp(-std::fabs(a - b))); }
  static double share(double old, double own) { return 1 / (1 + std::exp(old - own)); }

  std::vector<double> before_;
  std::vector<Shares> shares_;
};

// receptance = sigmoid(receptance) * average for some channels of one segment's rows.
template <class Report>
void run_channels(const KernelTable& kernels, const Job& job, std::size_t first_row, std::size_t rows,
                  std::size_t first, std::size_t n, Report& report) {
  float average[kChannels];
  for (std::size_t row = first_row; row < first_row + rows; ++row) {
    kernels.scan->average_state({.numerator = job.state.data() + first,
                                 .denominator = job.state.data() + job.width + first,
                                 .largest = job.state.data() + 2 * job.width + first,
                                 .n = n,
                                 .key = job.key[row] + first,
                                 .value = job.value[row] + first,
                                 .first = job.weights.first.data() + first,
                                 .decay = job.weights.decay.data() + first,
                                 .out = average});
    report.keep_results(row, first, average, n);
    kernels.sigmoid(job.receptance[row] + first, average, n);
  }
}

}  // namespace

template <class Probe>
void Rwkv4::run(Step& step, const Rwkv4Spec& spec, const Rwkv4Weights& weights, StateSlot slot, Rows x, Branch out,
                Probe probe) {
  const std::size_t rows = step.rows(), d_model = static_cast<std::size_t>(spec.d_model),
                    width = static_cast<std::size_t>(spec.d_attention);
  const Rows before = before_.rows(rows, d_model), mixed = mixed_.rows(rows, d_model);
  const Rows key = key_.rows(rows, width), value = value_.rows(rows, width), receptance = receptance_.rows(rows, width);
  rows_before(step, slot, x, d_model, before);
  const auto map = [&](const std::vector<float>& share, const Linear& linear_map, Rows to) {
    mix_rows(step, x, before, share, mixed);
    linear(step, {{&linear_map, {to}}}, mixed, rows);
  };
  map(weights.mix_k, weights.key, key);
  map(weights.mix_v, weights.value, value);
  map(weights.mix_r, weights.receptance, receptance);

  const StateSlot averages{slot.layer, slot.first_float + d_model};
  const std::size_t groups = (width + kChannels - 1) / kChannels;
  const auto job_of = [&](std::size_t segment) {
    return Job{weights, step.recurrent(segment, averages, 3 * width), key, value, receptance, width};
  };
  ScanReport<Probe, Rwkv4View> report(probe, slot.layer, job_of(0), rows);
  share(step, step.segments.size() * groups, 64 * rows * width, [&](std::size_t i, int) {
    const std::size_t segment = i / groups, first = i % groups * kChannels;
    run_channels(step.kernels, job_of(segment), step.first_rows[segment], step.segments[segment].tokens.size(), first,
                 std::min(kChannels, width - first), report);
  });
  report.done();
  linear(step, {{&weights.out, out}}, receptance, rows);
}

template void Rwkv4::run<NoListener>(Step&, const Rwkv4Spec&, const Rwkv4Weights&, StateSlot, Rows, Branch, NoListener);
template void Rwkv4::run<Listener&>(Step&, const Rwkv4Spec&, const Rwkv4Weights&, StateSlot, Rows, Branch, Listener&);

}  // namespace continuo
