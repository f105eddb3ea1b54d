// The feed-forward network of a block: plain, down(act(up x)), or gated, down(act(gate x) * up x)
// (Shazeer 2020, arXiv:2002.05202).
#pragma once

#include "layers/linear.h"
#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

// How many panels the hidden layer is computed in, and one of them for the first `tokens` rows of x.
std::size_t hidden_panels(const Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights);
struct HiddenJob {
  const FeedForwardSpec& spec;
  const FeedForwardWeights& weights;
  Rows x;
  std::size_t tokens;
  // act(gate x) * up x, or act(up x), d_ff wide: as floats, unless null, and rounded, where that is wanted.
  Rows hidden;
  RoundedRows rounded = {};
};
void hidden_panel(const Step& step, const HiddenJob& job, std::size_t i, int worker);

class FeedForward {
 public:
  using Spec = FeedForwardSpec;
  using Weights = FeedForwardWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  // out = feed_forward(x) for the rows of the step.
  void operator()(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x, Branch out,
                  bool keeps_hidden = false);
  // The same, and tells the probe what the hidden layer holds.
  template <class Probe>
  void run(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, StateSlot slot, Rows x,
           Branch out, Probe probe);
  // The hidden layer as the last call, which had to keep it, left it; d_ff wide.
  Rows hidden(const Step& step, const FeedForwardSpec& spec) {
    return hidden_.rows(step.rows(), static_cast<std::size_t>(spec.d_ff));
  }

 private:
  Buffer hidden_, normal_;
};

}  // namespace continuo
