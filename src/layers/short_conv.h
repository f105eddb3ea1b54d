// Gated short convolution (LFM2): y = W_out (C * conv(B * u)) with B, C, u = W_in x.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class ShortConv {
 public:
  using Spec = ShortConvSpec;
  using Weights = ShortConvWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const ShortConvSpec& spec, const ShortConvWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer projected_, mixed_;
};

}  // namespace continuo
