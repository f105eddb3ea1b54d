#include "layers/feed_forward.h"

#include "base/check.h"

namespace continuo {

namespace {

KernelTable::Activate activation(const KernelTable& kernels, Activation kind) {
  switch (kind) {
    case Activation::silu:
      return kernels.silu;
    case Activation::gelu_erf:
      return kernels.gelu_erf;
    case Activation::gelu_tanh:
      return kernels.gelu_tanh;
    case Activation::gelu_quick:
      return kernels.gelu_quick;
    case Activation::relu:
      return kernels.relu;
    case Activation::relu_squared:
      return kernels.relu_squared;
  }
  CONTINUO_CHECK(false, "an activation without a kernel");
}

// What is activated. `up` and `gate` have the same shape.
const Linear& first_map(const FeedForwardSpec& spec, const FeedForwardWeights& weights) {
  return spec.gated ? weights.gate : weights.up;
}

}  // namespace

std::size_t hidden_panels(const Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights) {
  return panel_count(step, first_map(spec, weights).weight);
}

// Panel by panel, so that what is activated is still in the cache.
void hidden_panel(const Step& step, const HiddenJob& job, std::size_t i, int worker) {
  const Linear& first = first_map(job.spec, job.weights);
  const Panel some = panel(step, first.weight, i);
  linear_panel(step, first, some, job.x, job.tokens, job.out.hidden, worker);
  if (job.spec.gated) linear_panel(step, job.weights.up, some, job.x, job.tokens, job.out.up, worker);
  const KernelTable::Activate activate = activation(step.kernels, job.spec.activation);
  for (std::size_t row = 0; row < job.tokens; ++row) {
    activate(job.out.hidden[row] + some.first, job.spec.gated ? job.out.up[row] + some.first : nullptr,
             some.last - some.first);
  }
}

void FeedForward::operator()(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights,
                             Rows x, Rows out) {
  const std::size_t rows = step.rows(), d_ff = spec.d_ff;
  const HiddenRows hidden{hidden_.rows(rows, d_ff), spec.gated ? up_.rows(rows, d_ff) : Rows{}};
  const std::size_t work = weights.up.weight.rows * weights.up.weight.cols * rows * (spec.gated ? 2 : 1);
  share(step, hidden_panels(step, spec, weights), work, [&](std::size_t i, int worker) {
    hidden_panel(step, {spec, weights, x, rows, hidden}, i, worker);
  });
  linear(step, {{&weights.down, out}}, hidden.hidden, rows);
}

}  // namespace continuo
