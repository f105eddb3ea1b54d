// The feed-forward network of a block: plain, down(act(up x)), or gated, down(act(gate x) * up x)
// (Shazeer 2020, arXiv:2002.05202).
#pragma once

#include "layers/linear.h"
#include "layers/step.h"

namespace continuo {

// d_ff wide.
struct HiddenRows {
  Rows hidden;  // act(gate x) * up x, or act(up x)
  Rows up;      // overwritten; used by gated ones alone
};
// How many panels the hidden layer is computed in, and one of them for the first `tokens` rows of x.
std::size_t hidden_panels(const Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights);
struct HiddenJob {
  const FeedForwardSpec& spec;
  const FeedForwardWeights& weights;
  Rows x;
  std::size_t tokens;
  HiddenRows out;
};
void hidden_panel(const Step& step, const HiddenJob& job, std::size_t i, int worker);

class FeedForward {
 public:
  // out = feed_forward(x) for the rows of the step.
  void operator()(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x,
                  Rows out);
  // The hidden layer as the last call left it; d_ff wide.
  Rows hidden(const Step& step, const FeedForwardSpec& spec) {
    return hidden_.rows(step.rows(), static_cast<std::size_t>(spec.d_ff));
  }

 private:
  Buffer hidden_, up_;
};

}  // namespace continuo
