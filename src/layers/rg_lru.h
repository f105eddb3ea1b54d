// Griffin's recurrent block, De et al. 2024, arXiv:2402.19427: y = W_out(act(W_y x) * lru(conv(W_x x))) with
// the real-gated linear recurrent unit (section 2.4):
//   i, r = sigmoid(gates of x);  a = e^(decay r);  h = a h + sqrt(1 - a^2) (i x);  at position 0: h = i x.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class RgLru {
 public:
  using Spec = RgLruSpec;
  using Weights = RgLruWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const RgLruSpec& spec, const RgLruWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer x_, y_, input_gate_, recurrent_gate_;
};

}  // namespace continuo
