#include "layers/delta_net.h"

#include <algorithm>
#include <cmath>

#include "kernels/exp_values.h"
#include "layers/causal_conv.h"
#include "layers/linear.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr float kLengthEps = 1e-6f;  // added to the squared length of a query or a key

struct Sizes {
  explicit Sizes(const DeltaNetSpec& spec)
      : n_key_heads(static_cast<std::size_t>(spec.n_key_heads)),
        n_value_heads(static_cast<std::size_t>(spec.n_value_heads)),
        key_dim(static_cast<std::size_t>(spec.key_dim)),
        value_dim(static_cast<std::size_t>(spec.value_dim)) {}

  std::size_t n_key_heads, n_value_heads, key_dim, value_dim;
  std::size_t key_width() const { return n_key_heads * key_dim; }
  std::size_t value_width() const { return n_value_heads * value_dim; }
  std::size_t conv_channels() const { return 2 * key_width() + value_width(); }
  std::size_t values_per_key() const { return n_value_heads / n_key_heads; }
};

// One layer's work of one step. `qkv` becomes its convolution, of which queries and keys get their lengths,
// and then the heads' results replace the values; `b` and `a` become beta and e^g; `z` becomes the normalized
// and gated result.
struct Job {
  Step& step;
  const DeltaNetSpec& spec;
  const DeltaNetWeights& weights;
  StateSlot slot;
  Rows qkv, z, b, a;
  std::span<const float> q_scale, k_scale;  // weights of the norms that give queries and keys their lengths
  Sizes sizes;

  std::size_t rows(std::size_t segment) const { return step.segments[segment].tokens.size(); }
  CausalConv conv() const {
    return {.weights = weights.conv,
            .bias = {},
            .kernel = static_cast<std::size_t>(spec.d_conv),
            .channels = sizes.conv_channels()};
  }
  // S of a head: key_dim rows of value_dim.
  float* state(std::size_t segment, std::size_t head) const {
    const std::size_t n = sizes.key_dim * sizes.value_dim;
    const StateSlot at{slot.layer, slot.first_float + conv().state_floats() + head * n};
    return step.recurrent(segment, at, n).data();
  }
};

// From key heads with their q, k, v, z (where those are so; else null) and b, a side by side to the same parts of all
// heads side by side.
void ungroup(const Job& job, const float* qkvz, const float* ba, std::size_t row) {
  const Sizes& sizes = job.sizes;
  const std::size_t per_key = sizes.values_per_key(), width = per_key * sizes.value_dim;
  float *q = job.qkv[row], *k = q + sizes.key_width(), *v = k + sizes.key_width(), *z = job.z[row];
  float *b = job.b[row], *a = job.a[row];
  const auto take = [](const float*& from, std::size_t n, float*& to) {
    to = std::copy_n(from, n, to);
    from += n;
  };
  for (std::size_t head = 0; head < sizes.n_key_heads; ++head) {
    if (qkvz) {
      take(qkvz, sizes.key_dim, q);
      take(qkvz, sizes.key_dim, k);
      take(qkvz, width, v);
      take(qkvz, width, z);
    }
    take(ba, per_key, b);
    take(ba, per_key, a);
  }
}

// beta and e^g of all heads in one row, in place.
void make_gates(const Job& job, std::size_t row) {
  const std::size_t n = job.sizes.n_value_heads;
  float *const b = job.b[row], *const a = job.a[row];
  const float most = job.spec.negative_eigenvalues ? 2.0f : 1.0f;
  job.step.kernels.sigmoid(b, nullptr, n);
  for (std::size_t head = 0; head < n; ++head) {
    b[head] *= most;
    a[head] += job.weights.dt_bias[head];
  }
  softplus_values(a, n);
  for (std::size_t head = 0; head < n; ++head) a[head] *= job.weights.decay[head];
  exp_values(a, n);
}

// silu(conv(.)) of one head's queries, keys or values in one segment's rows; queries come to the length
// 1 / sqrt(key_dim), keys to 1. Heads are counted over queries, then keys, then values.
void convolve_head(const Job& job, std::size_t segment, std::size_t head) {
  const Sizes& sizes = job.sizes;
  const bool is_value = head >= 2 * sizes.n_key_heads;
  const std::size_t n = is_value ? sizes.value_dim : sizes.key_dim;
  const std::size_t first = is_value ? 2 * sizes.key_width() + (head - 2 * sizes.n_key_heads) * n : head * n;
  const std::size_t first_row = job.step.first_rows[segment], rows = job.rows(segment);
  const CausalConv conv = job.conv();
  causal_conv(job.step.kernels, conv, job.step.recurrent(segment, job.slot, conv.state_floats()),
              {job.qkv[first_row], job.qkv.stride}, rows, first, n);
  const KernelTable& kernels = job.step.kernels;
  const std::span<const float> scale = head < sizes.n_key_heads ? job.q_scale : job.k_scale;
  for (std::size_t row = first_row; row < first_row + rows; ++row) {
    float* const x = job.qkv[row] + first;
    kernels.silu(x, nullptr, n);
    if (!is_value) kernels.rms_norm(x, scale.data(), kLengthEps / static_cast<float>(n), x, n);
  }
}

// One token at one head.
struct Token {
  const float *q, *k;  // key_dim
  float* v;            // value_dim; becomes the result
  float beta, decay;   // decay: e^g
  std::size_t key_dim, value_dim;
};

Token token_at(const Job& job, std::size_t row, std::size_t head) {
  const Sizes& sizes = job.sizes;
  const std::size_t key_head = job.spec.tiled ? head % sizes.n_key_heads : head / sizes.values_per_key();
  float* const q = job.qkv[row] + key_head * sizes.key_dim;
  return {.q = q,
          .k = q + sizes.key_width(),
          .v = job.qkv[row] + 2 * sizes.key_width() + head * sizes.value_dim,
          .beta = job.b[row][head],
          .decay = job.a[row][head],
          .key_dim = sizes.key_dim,
          .value_dim = sizes.value_dim};
}

// Some columns through all rows of a segment, while they are in a cache. `scratch`: room for 3 * key_dim floats.
//   S = e^g S - (beta e^g k) (k' S) + (beta k) v';  o = q' S
void run_columns(const Job& job, std::size_t segment, std::size_t head, std::size_t first, std::size_t n,
                 float* scratch) {
  float* const state = job.state(segment, head) + first;
  const std::size_t first_row = job.step.first_rows[segment], keys = job.sizes.key_dim;
  float *const keep = scratch, *const take = keep + keys, *const write = take + keys;
  for (std::size_t row = first_row; row < first_row + job.rows(segment); ++row) {
    const Token token = token_at(job, row, head);
    const float taken = token.beta * token.decay;
    std::fill_n(keep, keys, token.decay);
    for (std::size_t i = 0; i < keys; ++i) take[i] = taken * token.k[i];
    for (std::size_t i = 0; i < keys; ++i) write[i] = token.beta * token.k[i];
    job.step.kernels.scan->matrix_state({.state = state,
                                         .stride = job.sizes.value_dim,
                                         .keys = keys,
                                         .n = n,
                                         .keep = keep,
                                         .take = take,
                                         .key = token.k,
                                         .write = write,
                                         .read = token.q,
                                         .direct = 0,
                                         .reads_before = false,
                                         .value = token.v + first,
                                         .out = token.v + first});
  }
}

class DeltaNetView : public RecurrenceView {
 public:
  explicit DeltaNetView(const Job& job)
      : RecurrenceView({.kind = "delta_net",
                        .unit = Unit::head,
                        .units = job.sizes.n_value_heads,
                        .key_dim = job.sizes.key_dim,
                        .value_dim = job.sizes.value_dim},
                       job.step.rows()),
        job_(job) {
    const std::size_t square = job.sizes.key_dim * job.sizes.value_dim;
    before_.assign(job.state(0, 0), job.state(0, 0) + job.sizes.n_value_heads * square);
    for (std::size_t row = 0; row < rows(); ++row)
      keep_values(row, 0, job.qkv[row] + 2 * job.sizes.key_width(), job.sizes.value_width());
  }
  double before(std::size_t head, std::size_t key, std::size_t value) const override {
    return before_[(head * shape().key_dim + key) * shape().value_dim + value];
  }
  // S = e^g S - beta e^g k (k' S) + beta k v'
  void update(std::size_t row, std::size_t head, TokenUpdate& out) const override {
    const Token token = token_at(job_, row, head);
    const std::size_t n = token.key_dim;
    out = {.keep = std::vector<double>(n, double(token.decay)),
           .take = std::vector<double>(token.k, token.k + n),
           .key = {token.k, token.k + n},
           .write = {token.k, token.k + n},
           .read = {token.q, token.q + n}};
    for (double& take : out.take) take *= double(token.beta) * double(token.decay);
    for (double& write : out.write) write *= double(token.beta);
  }

 private:
  Job job_;
  std::vector<float> before_;
};

// One value head in one segment's rows: norm(o) * silu(z), left in z.
template <class Report>
void run_head(const Job& job, std::size_t segment, std::size_t head, float* scratch, Report& report) {
  const std::size_t n = job.sizes.value_dim, first_row = job.step.first_rows[segment],
                    last_row = first_row + job.rows(segment);
  constexpr std::size_t kColumns = 64;  // at once
  for (std::size_t column = 0; column < n; column += kColumns)
    run_columns(job, segment, head, column, std::min(kColumns, n - column), scratch);
  const KernelTable& kernels = job.step.kernels;
  for (std::size_t row = first_row; row < last_row; ++row) {
    float* const o = token_at(job, row, head).v;
    float* const z = job.z[row] + head * n;
    report.keep_results(row, head * n, o, n);
    kernels.rms_norm(o, job.weights.norm.weight.data(), job.spec.norm_eps, o, n);
    kernels.silu(z, o, n);
    round_values(job.step, job.z.rounded, row, head * n, {z, n});
  }
}

}  // namespace

// The maps' outputs; of one map for each key head (`grouped`) as they come, into grouped_ and grouped_ba_.
DeltaNet::Projected DeltaNet::project(Step& step, const DeltaNetSpec& spec, const DeltaNetWeights& weights, Rows x) {
  const Sizes sizes(spec);
  const std::size_t rows = step.rows(), key_width = sizes.key_width(), value_width = sizes.value_width();
  // Heads' results are rounded where they are computed if they are whole blocks.
  const bool whole = sizes.value_dim % kInt8Block == 0;
  const Projected to{
      .qkv = qkv_.rows(rows, sizes.conv_channels()),
      .z = whole ? rows_for(step, {{&weights.out}, true}, z_, rows, value_width) : z_.rows(rows, value_width),
      .b = b_.rows(rows, sizes.n_value_heads),
      .a = a_.rows(rows, sizes.n_value_heads)};
  if (spec.grouped && weights.qkv.weight.data) {
    const Rows ba = grouped_ba_.rows(rows, 2 * sizes.n_value_heads);
    linear(step, {{&weights.qkv, {to.qkv}}, {&weights.z, {to.z}}, {&weights.ba, {ba}}}, x, rows);
  } else if (spec.grouped) {
    const Rows qkvz = grouped_.rows(rows, sizes.conv_channels() + value_width),
               ba = grouped_ba_.rows(rows, 2 * sizes.n_value_heads);
    linear(step, {{&weights.qkvz, {qkvz}}, {&weights.ba, {ba}}}, x, rows);
  } else if (weights.qkv.weight.data) {
    linear(step, {{&weights.qkv, {to.qkv}}, {&weights.z, {to.z}}, {&weights.b, {to.b}}, {&weights.a, {to.a}}}, x, rows);
  } else {
    linear(step,
           {{&weights.q, {to.qkv}},
            {&weights.k, {to.qkv.from(key_width)}},
            {&weights.v, {to.qkv.from(2 * key_width)}},
            {&weights.z, {to.z}},
            {&weights.b, {to.b}},
            {&weights.a, {to.a}}},
           x, rows);
  }
  return to;
}

template <class Probe>
void DeltaNet::run(Step& step, const DeltaNetSpec& spec, const DeltaNetWeights& weights, StateSlot slot, Rows x,
                   Branch out, Probe probe) {
  const Sizes sizes(spec);
  const std::size_t rows = step.rows(), channels = sizes.conv_channels();
  const Projected made = project(step, spec, weights, x);
  const float key_dim = static_cast<float>(spec.key_dim);
  q_scale_.assign(sizes.key_dim, 1 / key_dim);
  k_scale_.assign(sizes.key_dim, 1 / std::sqrt(key_dim));
  const Job job{step, spec, weights, slot, made.qkv, made.z, made.b, made.a, q_scale_, k_scale_, sizes};
  const Rows qkvz = spec.grouped ? grouped_.rows(rows, channels + sizes.value_width()) : Rows{},
             ba = spec.grouped ? grouped_ba_.rows(rows, 2 * sizes.n_value_heads) : Rows{};
  constexpr std::size_t kCost = 8;  // multiply-adds that an activation takes as long as
  share_rows(step, rows, rows * (kCost * sizes.n_value_heads + (spec.grouped ? channels : 0)),
             [&](std::size_t row, int) {
               if (spec.grouped) ungroup(job, weights.qkvz.weight.data ? qkvz[row] : nullptr, ba[row], row);
               make_gates(job, row);
             });
  const std::size_t n_segments = step.segments.size(), n_heads = 2 * sizes.n_key_heads + sizes.n_value_heads;
  share(step, n_segments * n_heads, rows * channels * (static_cast<std::size_t>(spec.d_conv) + kCost),
        [&](std::size_t i, int) { convolve_head(job, i / n_heads, i % n_heads); });
  ScanReport<Probe, DeltaNetView> report(probe, slot.layer, job);
  share(step, n_segments * sizes.n_value_heads, 3 * rows * sizes.value_width() * sizes.key_dim,
        [&](std::size_t i, int worker) {
          float* const scratch = step.scratch.get(worker, 3 * sizes.key_dim);
          run_head(job, i / sizes.n_value_heads, i % sizes.n_value_heads, scratch, report);
        });
  report.done();
  linear(step, {{&weights.out, out}}, made.z, rows);
}

template void DeltaNet::run<NoListener>(Step&, const DeltaNetSpec&, const DeltaNetWeights&, StateSlot, Rows, Branch,
                                        NoListener);
template void DeltaNet::run<Listener&>(Step&, const DeltaNetSpec&, const DeltaNetWeights&, StateSlot, Rows, Branch,
                                       Listener&);

}  // namespace continuo
