#include "layers/rwkv.h"

#include <algorithm>
#include <cmath>

#include "kernels/exp_values.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/probe.h"
#include "layers/token_shift.h"

namespace continuo {

namespace {

// e^-0.5 of RWKV-7's decay exp(-e^-0.5 sigmoid(w)).
constexpr float kSlowest = 0.6065306597126334f;

// f(row, values) for each row of `width`.
template <class F>
void each_row(Step& step, Rows x, std::size_t width, F&& f) {
  share_rows(step, step.rows(), 16 * step.rows() * width, [&](std::size_t row, int) { f(row, x[row]); });
}

// to = second(activation(first(x))): a small map of two layers; null: no activation.
void two_layers(Step& step, const Linear& first, const Linear& second, Rows x, Buffer& small,
                KernelTable::Activate activate, Rows to) {
  const std::size_t rank = first.weight.rows;
  const Rows hidden = small.rows(step.rows(), rank);
  linear(step, {{&first, {hidden}}}, x, step.rows());
  if (activate) each_row(step, hidden, rank, [&](std::size_t, float* values) { activate(values, nullptr, rank); });
  linear(step, {{&second, {to}}}, hidden, step.rows());
}

}  // namespace

Rwkv::Inputs Rwkv::blank_inputs(std::size_t rows, std::size_t width, std::size_t value_width) {
  return {r_.rows(rows, width),       w_.rows(rows, width),       k_.rows(rows, width),
          v_.rows(rows, value_width), g_.rows(rows, value_width), a_.rows(rows, width)};
}

void Rwkv::map_mixed(Step& step, const Linear& map, Rows x, Rows before, const std::vector<float>& share, Rows to) {
  const Rows mixed = mixed_.rows(step.rows(), share.size());
  mix_differences(step, x, before, share, {}, mixed);
  linear(step, {{&map, {to}}}, mixed, step.rows());
}

Rwkv::Inputs Rwkv::inputs_5(Step& step, const RwkvWeights& weights, Rows x, Rows before) {
  const std::size_t width = weights.mix_k.size();
  const Inputs to = blank_inputs(step.rows(), width, width);
  const Rows mixed = mixed_.rows(step.rows(), width);
  const auto map = [&](const std::vector<float>& share, const Linear& linear_map, Rows rows) {
    mix_rows(step, x, before, share, mixed);
    linear(step, {{&linear_map, {rows}}}, mixed, step.rows());
  };
  map(weights.mix_r, weights.receptance, to.r);
  map(weights.mix_k, weights.key, to.k);
  map(weights.mix_v, weights.value, to.v);
  if (!weights.mix_g.empty()) map(weights.mix_g, weights.gate, to.g);
  each_row(step, to.w, width, [&](std::size_t, float* w) { std::copy_n(weights.decay.data(), width, w); });
  return to;
}

// Shares that depend on the row: x + (before - x) (share + what the small maps make of a first mix).
Rwkv::Inputs Rwkv::inputs_6(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, Rows x, Rows before) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.d_model),
                    rank = static_cast<std::size_t>(spec.shift_rank);
  const Inputs to = blank_inputs(rows, width, width);
  const Rows mixed = mixed_.rows(rows, width), extra = extra_.rows(rows, width), hidden = small_.rows(rows, 5 * rank);
  mix_differences(step, x, before, weights.mix_x, {}, mixed);
  linear(step, {{&weights.shift_1, {hidden}}}, mixed, rows);
  each_row(step, hidden, 5 * rank, [&](std::size_t, float* values) { step.kernels.tanh(values, nullptr, 5 * rank); });
  const auto mix = [&](std::size_t part, const std::vector<float>& share) {
    linear(step, {{&weights.shift_2[part], {extra}}}, hidden.from(part * rank), rows);
    mix_differences(step, x, before, share, extra, mixed);
  };
  mix(1, weights.mix_k);
  linear(step, {{&weights.key, {to.k}}}, mixed, rows);
  mix(2, weights.mix_v);
  linear(step, {{&weights.value, {to.v}}}, mixed, rows);
  mix(3, weights.mix_r);
  linear(step, {{&weights.receptance, {to.r}}}, mixed, rows);
  mix(4, weights.mix_g);
  linear(step, {{&weights.gate, {to.g}}}, mixed, rows);
  mix(0, weights.mix_w);  // last: the decay's small map takes the room of `hidden`
  two_layers(step, weights.decay_1, weights.decay_2, mixed, small_, step.kernels.tanh, to.w);
  each_row(step, to.w, width, [&](std::size_t, float* w) {
    for (std::size_t i = 0; i < width; ++i) w[i] += weights.decay[i];
    exp_values(w, width);
    for (std::size_t i = 0; i < width; ++i) w[i] = -w[i];
    exp_values(w, width);
  });
  return to;
}

Rwkv::Inputs Rwkv::inputs_7(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, Rows x, Rows before) {
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.d_model),
                    value_width = static_cast<std::size_t>(spec.value_width());
  const Inputs to = blank_inputs(rows, width, value_width);
  const Rows mixed = mixed_.rows(rows, width), extra = extra_.rows(rows, value_width);
  map_mixed(step, weights.receptance, x, before, weights.mix_r, to.r);
  map_mixed(step, weights.key, x, before, weights.mix_k, to.k);
  mix_differences(step, x, before, weights.mix_w, {}, mixed);
  two_layers(step, weights.decay_1, weights.decay_2, mixed, small_, step.kernels.tanh, to.w);
  mix_differences(step, x, before, weights.mix_a, {}, mixed);
  two_layers(step, weights.learning_1, weights.learning_2, mixed, small_, nullptr, to.a);
  mix_differences(step, x, before, weights.mix_g, {}, mixed);
  two_layers(step, weights.gate_1, weights.gate_2, mixed, small_, step.kernels.sigmoid, to.g);
  mix_differences(step, x, before, weights.mix_v, {}, mixed);
  linear(step, {{&weights.value, {to.v}}}, mixed, rows);
  const Rows first = first_values_.rows(rows, value_width);
  if (!spec.first_layer) two_layers(step, weights.value_1, weights.value_2, mixed, small_, nullptr, extra);
  const KernelTable::Activate sigmoid = step.kernels.sigmoid;
  each_row(step, to.w, width, [&](std::size_t row, float* w) {
    float *const a = to.a[row], *const v = to.v[row], *const own = first[row], *const share = extra[row];
    for (std::size_t i = 0; i < width; ++i) w[i] += weights.decay[i];
    sigmoid(w, nullptr, width);
    for (std::size_t i = 0; i < width; ++i) w[i] *= -kSlowest;
    exp_values(w, width);
    for (std::size_t i = 0; i < width; ++i) a[i] += weights.learning[i];
    sigmoid(a, nullptr, width);
    if (spec.first_layer) {
      std::copy_n(v, value_width, own);
      return;
    }
    for (std::size_t i = 0; i < value_width; ++i) share[i] += weights.value_mix[i];
    sigmoid(share, nullptr, value_width);
    for (std::size_t i = 0; i < value_width; ++i) v[i] += (own[i] - v[i]) * share[i];
  });
  return to;
}

namespace {

// One layer's heads of one step.
struct HeadJob {
  Step& step;
  const RwkvSpec& spec;
  const RwkvWeights& weights;
  StateSlot matrices;
  Rows r, w, k, v, g, a, kappa, out;
  std::size_t dim, width;  // of a head's keys and values
};

// Version 7: the key that is taken out, kappa, and the key that is put in, of one head of one row.
void split_key(const HeadJob& job, std::size_t row, std::size_t first) {
  float *const k = job.k[row] + first, *const a = job.a[row] + first, *const kappa = job.kappa[row] + first;
  float squares = 0;
  for (std::size_t i = 0; i < job.dim; ++i) {
    kappa[i] = k[i] * job.weights.key_scale[first + i];
    squares += kappa[i] * kappa[i];
    k[i] *= 1.0f + (a[i] - 1.0f) * job.weights.key_learning[first + i];
  }
  const float length = std::max(std::sqrt(squares), 1e-12f);
  for (std::size_t i = 0; i < job.dim; ++i) kappa[i] /= length;
}

// The norm of a head's result, what version 7 adds behind it, and the gate.
void finish_head(const HeadJob& job, std::size_t row, std::size_t h) {
  const std::size_t first = h * job.dim, first_value = h * job.width;
  float* const out = job.out[row] + first_value;
  const LayerNormSpec norm{.eps = job.spec.norm_eps};
  normalize_row(job.step.kernels, norm, job.weights.norm, first_value, {out, job.width}, out);
  float* const g = job.g[row] + first_value;
  if (job.spec.version == 7) {
    const float *const r = job.r[row] + first, *const k = job.k[row] + first, *const v = job.v[row] + first_value;
    float own = 0;
    for (std::size_t i = 0; i < job.dim; ++i) own += r[i] * k[i] * job.weights.first[first + i];
    for (std::size_t i = 0; i < job.width; ++i) out[i] = (out[i] + own * v[i]) * g[i];
  } else if (job.spec.gate) {
    job.step.kernels.silu(g, out, job.width);
    std::copy_n(g, job.width, out);
  }
}

class RwkvView : public RecurrenceView {
 public:
  explicit RwkvView(const HeadJob& job)
      : RecurrenceView({.kind = job.spec.version == 7 ? "rwkv7" : "rwkv",
                        .unit = Unit::head,
                        .units = static_cast<std::size_t>(job.spec.n_heads),
                        .key_dim = job.dim,
                        .value_dim = job.width,
                        .reads_before = job.spec.version < 7},
                       job.step.rows()),
        job_(job) {
    const std::size_t width = shape().units * job.width;
    const auto states = job.step.recurrent(0, job.matrices, width * job.dim);
    before_.assign(states.begin(), states.end());
    for (std::size_t row = 0; row < rows(); ++row) keep_values(row, 0, job.v[row], width);
  }
  double before(std::size_t head, std::size_t key, std::size_t value) const override {
    return before_[(head * job_.dim + key) * job_.width + value];
  }
  void update(std::size_t row, std::size_t head, TokenUpdate& out) const override {
    const std::size_t n = job_.dim, first = head * n;
    const auto copy = [&](Rows rows) { return std::vector<double>(rows[row] + first, rows[row] + first + n); };
    out = {.keep = copy(job_.w), .write = copy(job_.k), .read = copy(job_.r)};
    if (job_.spec.version == 7) {
      out.key = copy(job_.kappa);
      out.take = out.key;
      for (std::size_t i = 0; i < n; ++i) out.take[i] *= double(job_.a[row][first + i]);
      return;
    }
    for (std::size_t i = 0; i < n; ++i)
      out.direct += out.read[i] * double(job_.weights.first[first + i]) * out.write[i];
  }

 private:
  HeadJob job_;
  std::vector<float> before_;
};

// What one token does to a head's matrix. RWKV-5.2 and 6: out = r (S + first k v'); S = w S + k v'. RWKV-7:
// S = (diag(w) - (kappa a) kappa') S + k v'; out = r S; kappa has length 1. `scratch`: room for `dim` floats.
MatrixStateArgs token_args(const HeadJob& job, std::size_t row, std::size_t h, float* state, float* scratch) {
  const std::size_t first = h * job.dim, first_value = h * job.width;
  const float *const r = job.r[row] + first, *const k = job.k[row] + first;
  MatrixStateArgs args{.state = state,
                       .stride = job.width,
                       .keys = job.dim,
                       .n = job.width,
                       .keep = job.w[row] + first,
                       .take = nullptr,
                       .key = nullptr,
                       .write = k,
                       .read = r,
                       .direct = 0,
                       .reads_before = job.spec.version < 7,
                       .value = job.v[row] + first_value,
                       .out = job.out[row] + first_value};
  if (job.spec.version < 7) {
    const float* const bonus = job.weights.first.data() + first;
    for (std::size_t i = 0; i < job.dim; ++i) args.direct += r[i] * bonus[i] * k[i];
    return args;
  }
  const float *const kappa = job.kappa[row] + first, *const a = job.a[row] + first;
  for (std::size_t i = 0; i < job.dim; ++i) scratch[i] = kappa[i] * a[i];
  args.key = kappa;
  args.take = scratch;
  return args;
}

template <class Report>
void run_head(const HeadJob& job, std::size_t segment, std::size_t h, float* scratch, Report& report) {
  const std::size_t square = job.dim * job.width, heads = static_cast<std::size_t>(job.spec.n_heads);
  float* const state = job.step.recurrent(segment, job.matrices, heads * square).data() + h * square;
  const std::size_t begin = job.step.first_rows[segment], n = job.step.segments[segment].tokens.size();
  for (std::size_t row = begin; row < begin + n; ++row) {
    if (job.spec.version == 7) split_key(job, row, h * job.dim);
    const MatrixStateArgs args = token_args(job, row, h, state, scratch);
    job.step.kernels.scan->matrix_state(args);
    report.keep_results(row, h * job.width, args.out, job.width);
    finish_head(job, row, h);
  }
}

}  // namespace

template <class Probe>
void Rwkv::run(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, StateSlot slot, Rows x, Branch out,
               Probe probe) {
  const std::size_t rows = step.rows(), d_model = static_cast<std::size_t>(spec.d_model),
                    dim = static_cast<std::size_t>(spec.head_dim), heads = static_cast<std::size_t>(spec.n_heads),
                    width = static_cast<std::size_t>(spec.value_dim);
  const Rows before = before_.rows(rows, d_model);
  rows_before(step, slot, x, d_model, before);
  const Inputs in = spec.version == 5   ? inputs_5(step, weights, x, before)
                    : spec.version == 6 ? inputs_6(step, spec, weights, x, before)
                                        : inputs_7(step, spec, weights, x, before);
  const Rows result = result_.rows(rows, heads * width);
  const HeadJob job{step, spec, weights, {slot.layer, slot.first_float + d_model},           in.r,   in.w, in.k,
                    in.v, in.g, in.a,    kappa_.rows(rows, spec.version == 7 ? d_model : 0), result, dim,  width};
  ScanReport<Probe, RwkvView> report(probe, slot.layer, job);
  share(step, step.segments.size() * heads, 6 * rows * d_model * width,
        [&](std::size_t i, int worker) { run_head(job, i / heads, i % heads, step.scratch.get(worker, dim), report); });
  report.done();
  linear(step, {{&weights.out, out}}, result, rows);
}

template void Rwkv::run<NoListener>(Step&, const RwkvSpec&, const RwkvWeights&, StateSlot, Rows, Branch, NoListener);
template void Rwkv::run<Listener&>(Step&, const RwkvSpec&, const RwkvWeights&, StateSlot, Rows, Branch, Listener&);

}  // namespace continuo
