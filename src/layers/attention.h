// Attention, Vaswani et al. 2017, arXiv:1706.03762, equation 1, causal, with grouped queries: each token
// looks back.
#pragma once

#include "layers/step.h"

namespace continuo {

struct AttentionMemory {
  Buffer q, k, v;  // or
  Buffer qkv;
  Buffer heads;  // the heads' results side by side
};

class Attention {
 public:
  // out = W_o attention(x) for the rows of the step, whose keys and values are written to layer `layer` of
  // their sequences. Ear: NoListener or Listener& (probe.h).
  template <class Ear>
  void run(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x,
           Rows out, Ear ear);

 private:
  AttentionMemory memory_;
};

}  // namespace continuo
