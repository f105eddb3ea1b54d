// The feed-forward network of a block: plain, down(act(up x)), or gated, down(act(gate x) * up x)
// (Shazeer 2020, arXiv:2002.05202).
#pragma once

#include "layers/step.h"

namespace continuo {

// residual += feed_forward(x). `hidden` and `gated` are d_ff wide, `product` d_model; all are overwritten.
struct FeedForwardBuffers {
  Rows hidden, up;
};
void feed_forward(Step& step, const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x,
                  const FeedForwardBuffers& buffers, Rows product, Rows residual);

}  // namespace continuo
