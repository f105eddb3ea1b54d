// Attention, Vaswani et al. 2017, arXiv:1706.03762, equation 1, causal, with grouped queries: each token looks back.
#pragma once

#include "layers/step.h"

namespace continuo {

// Memory of one attention layer for the rows of a step; widths in floats.
struct AttentionBuffers {
  Rows q;    // n_heads * head_dim
  Rows k;    // n_kv_heads * head_dim
  Rows v;    // n_kv_heads * head_dim
  Rows out;  // n_heads * head_dim: the heads' results side by side
};

// residual += W_o attention(x). Writes the rows' keys and values to layer `layer` of their sequences.
// `product` (d_model wide) is overwritten. `ear` is a NoListener or a Listener (probe.h).
template <class Ear>
void attend(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x,
            const AttentionBuffers& buffers, Rows product, Rows residual, Ear& ear);

}  // namespace continuo
