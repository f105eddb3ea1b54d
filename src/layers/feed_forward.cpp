#include "layers/feed_forward.h"

#include "base/check.h"
#include "layers/linear.h"

namespace continuo {

namespace {

KernelTable::Activate activation(const KernelTable& kernels, Activation kind) {
  switch (kind) {
    case Activation::silu: return kernels.silu;
    case Activation::gelu_erf: return kernels.gelu_erf;
    case Activation::gelu_tanh: return kernels.gelu_tanh;
    case Activation::relu: return kernels.relu;
  }
  CONTINUO_CHECK(false, "an activation without a kernel");
}

}  // namespace

void feed_forward(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x,
                  const FeedForwardBuffers& buffers, Rows product, Rows residual) {
  const KernelTable::Activate activate = activation(step.kernels, spec.activation);
  // The hidden layer panel by panel: what is activated is still in the cache. `up` and `gate` have the same shape.
  const Linear& first = spec.gated ? weights.gate : weights.up;
  const std::size_t work = first.weight.rows * first.weight.cols * step.rows() * (spec.gated ? 2 : 1);
  share(step, panel_count(step, first.weight), work, [&](std::size_t i, int worker) {
    const Panel some = panel(step, first.weight, i);
    linear_panel(step, first, some, x, step.rows(), buffers.hidden, worker);
    if (spec.gated) linear_panel(step, weights.up, some, x, step.rows(), buffers.up, worker);
    for (std::size_t row = 0; row < step.rows(); ++row) {
      activate(buffers.hidden[row] + some.first, spec.gated ? buffers.up[row] + some.first : nullptr,
               some.last - some.first);
    }
  });
  linear_add(step, weights.down, buffers.hidden, step.rows(), product, residual);
}

}  // namespace continuo
