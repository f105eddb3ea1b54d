// RWKV's channel mixing: relu(W_k k)^2 through W_v, in version 4 to 6 times sigmoid(W_r r); k and r are mixed with the
// row before (Peng et al. 2023, arXiv:2305.13048).
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class ChannelMix {
 public:
  using Spec = ChannelMixSpec;
  using Weights = ChannelMixWeights;
  static constexpr bool kTakesFloats = true;      // rows are mixed before any map
  static constexpr bool kAddsToResidual = false;  // the result is multiplied

  template <class Probe>
  void run(Step& step, const ChannelMixSpec& spec, const ChannelMixWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer before_, mixed_, hidden_, receptance_;
};

}  // namespace continuo
