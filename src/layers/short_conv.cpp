#include "layers/short_conv.h"

#include "layers/causal_conv.h"
#include "layers/linear.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr std::size_t kChannels = 256;  // that a thread takes at once: whole blocks of rounded values

// One layer's convolution of one step: rows of `all` are B, C, u side by side.
struct Job {
  Step& step;
  const ShortConvSpec& spec;
  const ShortConvWeights& weights;
  StateSlot slot;
  Rows all, mixed;
};

CausalConv conv_of(const Job& job) {
  return {.weights = job.weights.conv,
          .bias = job.weights.conv_bias,
          .kernel = static_cast<std::size_t>(job.spec.kernel),
          .channels = static_cast<std::size_t>(job.spec.d_inner)};
}

// A channel's S is a queue of the last kernel - 1 products B u.
class ShortConvView : public RecurrenceView {
 public:
  explicit ShortConvView(const Job& job)
      : RecurrenceView({.kind = "short_conv",
                        .unit = Unit::channel,
                        .units = static_cast<std::size_t>(job.spec.d_inner),
                        .key_dim = static_cast<std::size_t>(job.spec.kernel) - 1,
                        .reads_before = true,
                        .shifts = true},
                       job.step.rows()),
        job_(job) {
    const auto queue = job.step.recurrent(0, job.slot, conv_of(job).state_floats());
    before_.assign(queue.begin(), queue.end());
    const std::size_t width = shape().units;
    for (std::size_t row = 0; row < rows(); ++row) keep_values(row, 0, job.all[row] + 2 * width, width);
  }
  double before(std::size_t channel, std::size_t k, std::size_t) const override {
    return before_[k * shape().units + channel];
  }
  void update(std::size_t row, std::size_t channel, TokenUpdate& out) const override {
    const std::size_t width = shape().units, n = shape().key_dim;
    const CausalConv conv = conv_of(job_);
    const double b = job_.all[row][channel], c = job_.all[row][width + channel];
    const auto tap = [&](std::size_t k) { return c * double(conv.weights[k * width + channel]); };
    out = {.keep = std::vector<double>(n, 1), .write = std::vector<double>(n), .read = std::vector<double>(n)};
    for (std::size_t k = 0; k < n; ++k) out.read[k] = tap(k);
    if (n > 0) out.write[n - 1] = b;
    out.direct = tap(n) * b;
    out.constant = conv.bias.empty() ? 0 : c * double(conv.bias[channel]);
  }

 private:
  Job job_;
  std::vector<float> before_;
};

// C * conv(B * u) for some channels of one segment's rows.
template <class Report>
void mix_channels(const Job& job, std::size_t segment, std::size_t first, std::size_t n, Report& report) {
  const auto width = static_cast<std::size_t>(job.spec.d_inner);
  const std::size_t row = job.step.first_rows[segment], rows = job.step.segments[segment].tokens.size();
  const Rows b{job.all[row], job.all.stride}, c = b.from(width), u = b.from(2 * width);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t i = first; i < first + n; ++i) u[t][i] *= b[t][i];
  }
  const CausalConv conv = conv_of(job);
  causal_conv(job.step.kernels, conv, job.step.recurrent(segment, job.slot, conv.state_floats()), u, rows, first, n);
  for (std::size_t t = 0; t < rows; ++t) {
    float* const out = job.mixed.data ? job.mixed[row + t] + first : u[t] + first;
    for (std::size_t i = 0; i < n; ++i) out[i] = c[t][first + i] * u[t][first + i];
    report.keep_results(row + t, first, out, n);
    round_values(job.step, job.mixed.rounded, row + t, first, {out, n});
  }
}

}  // namespace

template <class Probe>
void ShortConv::run(Step& step, const ShortConvSpec& spec, const ShortConvWeights& weights, StateSlot slot, Rows x,
                    Branch out, Probe probe) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.d_inner);
  const Rows all = projected_.rows(rows, 3 * width);
  linear(step, {{&weights.in, {all}}}, x, rows);
  // Channels are rounded where they are computed if they are whole blocks.
  const bool whole = width % kInt8Block == 0;
  const Rows mixed = whole ? rows_for(step, {{&weights.out}, false}, mixed_, rows, width) : mixed_.rows(rows, width);
  const Job job{step, spec, weights, slot, all, mixed};
  ScanReport<Probe, ShortConvView> report(probe, slot.layer, job);
  const std::size_t groups = (width + kChannels - 1) / kChannels;
  share(step, step.segments.size() * groups, rows * width * static_cast<std::size_t>(spec.kernel),
        [&](std::size_t i, int) {
          const std::size_t first = i % groups * kChannels;
          mix_channels(job, i / groups, first, std::min(kChannels, width - first), report);
        });
  report.done();
  linear(step, {{&weights.out, out}}, mixed, rows);
}

template void ShortConv::run<NoListener>(Step&, const ShortConvSpec&, const ShortConvWeights&, StateSlot, Rows, Branch,
                                         NoListener);
template void ShortConv::run<Listener&>(Step&, const ShortConvSpec&, const ShortConvWeights&, StateSlot, Rows, Branch,
                                        Listener&);

}  // namespace continuo
