#include "layers/rwkv4.h"

#include <algorithm>

#include "kernels/reference_math.h"
#include "layers/linear.h"
#include "layers/probe.h"
#include "layers/token_shift.h"

namespace continuo {

namespace {

constexpr std::size_t kChannels = 64;  // that a thread takes at once
constexpr float kNoExponent = -1e38f;

// What a channel remembers: sums of exp(k) v and exp(k), divided by exp(largest).
struct Average {
  float numerator, denominator, largest;

  // Adds v with the weight exp(k).
  void add(float k, float v) {
    const float most = std::max(largest, k);
    const float old = math::exp(largest - most), now = math::exp(k - most);
    numerator = old * numerator + now * v;
    denominator = old * denominator + now;
    largest = most;
  }
};

struct Job {
  const Rwkv4Weights& weights;
  std::span<float> state;  // numerators, denominators, largest exponents: `width` each
  Rows key, value, receptance;
  std::size_t width;
};

// receptance = sigmoid(receptance) * average for one channel of one segment's rows.
void run_channel(const Job& job, std::size_t first_row, std::size_t rows, std::size_t c) {
  float* const numerator = job.state.data() + c;
  float* const denominator = numerator + job.width;
  float* const largest = denominator + job.width;
  // A state of zeros is one that has seen nothing.
  Average average{*numerator, *denominator, *denominator == 0.0f ? kNoExponent : *largest};
  for (std::size_t row = first_row; row < first_row + rows; ++row) {
    const float k = job.key[row][c], v = job.value[row][c];
    Average here = average;
    here.add(k + job.weights.first[c], v);
    job.receptance[row][c] = math::sigmoid(job.receptance[row][c]) * (here.numerator / here.denominator);
    average.largest += job.weights.decay[c];
    average.add(k, v);
  }
  *numerator = average.numerator;
  *denominator = average.denominator;
  *largest = average.largest;
}

}  // namespace

template <class Probe>
void Rwkv4::run(Step& step, const Rwkv4Spec& spec, const Rwkv4Weights& weights, StateSlot slot, Rows x, Branch out,
                Probe) {
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
  share(step, step.segments.size() * groups, 64 * rows * width, [&](std::size_t i, int) {
    const std::size_t segment = i / groups, first = i % groups * kChannels;
    const Job job{weights, step.recurrent(segment, averages, 3 * width), key, value, receptance, width};
    for (std::size_t c = first; c < std::min(width, first + kChannels); ++c)
      run_channel(job, step.first_rows[segment], step.segments[segment].tokens.size(), c);
  });
  linear(step, {{&weights.out, out}}, receptance, rows);
}

template void Rwkv4::run<NoListener>(Step&, const Rwkv4Spec&, const Rwkv4Weights&, StateSlot, Rows, Branch, NoListener);
template void Rwkv4::run<Listener&>(Step&, const Rwkv4Spec&, const Rwkv4Weights&, StateSlot, Rows, Branch, Listener&);

}  // namespace continuo
