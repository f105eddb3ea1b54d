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

// C * conv(B * u) for some channels of one segment's rows.
void mix_channels(const Job& job, std::size_t segment, std::size_t first, std::size_t n) {
  const auto width = static_cast<std::size_t>(job.spec.d_inner);
  const std::size_t row = job.step.first_rows[segment], rows = job.step.segments[segment].tokens.size();
  const Rows b{job.all[row], job.all.stride}, c = b.from(width), u = b.from(2 * width);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t i = first; i < first + n; ++i) u[t][i] *= b[t][i];
  }
  const CausalConv conv{.weights = job.weights.conv,
                        .bias = job.weights.conv_bias,
                        .kernel = static_cast<std::size_t>(job.spec.kernel),
                        .channels = width};
  causal_conv(conv, job.step.recurrent(segment, job.slot, conv.state_floats()), u, rows, first, n);
  for (std::size_t t = 0; t < rows; ++t) {
    float* const out = job.mixed.data ? job.mixed[row + t] + first : u[t] + first;
    for (std::size_t i = 0; i < n; ++i) out[i] = c[t][first + i] * u[t][first + i];
    round_values(job.step, job.mixed.rounded, row + t, first, {out, n});
  }
}

}  // namespace

template <class Probe>
void ShortConv::run(Step& step, const ShortConvSpec& spec, const ShortConvWeights& weights, StateSlot slot, Rows x,
                    Branch out, Probe) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.d_inner);
  const Rows all = projected_.rows(rows, 3 * width);
  linear(step, {{&weights.in, {all}}}, x, rows);
  // Channels are rounded where they are computed if they are whole blocks.
  const bool whole = width % kInt8Block == 0;
  const Rows mixed =
      whole ? rows_for(step, {{&weights.out}, false}, mixed_, rows, width) : mixed_.rows(rows, width);
  const Job job{step, spec, weights, slot, all, mixed};
  const std::size_t groups = (width + kChannels - 1) / kChannels;
  share(step, step.segments.size() * groups, rows * width * static_cast<std::size_t>(spec.kernel),
        [&](std::size_t i, int) {
          const std::size_t first = i % groups * kChannels;
          mix_channels(job, i / groups, first, std::min(kChannels, width - first));
        });
  linear(step, {{&weights.out, out}}, mixed, rows);
}

template void ShortConv::run<NoListener>(Step&, const ShortConvSpec&, const ShortConvWeights&, StateSlot, Rows, Branch,
                                         NoListener);
template void ShortConv::run<Listener&>(Step&, const ShortConvSpec&, const ShortConvWeights&, StateSlot, Rows, Branch,
                                        Listener&);

}  // namespace continuo
