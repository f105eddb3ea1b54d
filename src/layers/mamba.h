// Mamba: a selective state space model of each channel. Gu & Dao 2023, arXiv:2312.00752.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class Mamba {
 public:
  using Spec = MambaSpec;
  using Weights = MambaWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const MambaSpec& spec, const MambaWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer projected_, parameters_, delta_;
};

}  // namespace continuo
