// Mamba-2: a selective state space model of each head. Dao & Gu 2024, arXiv:2405.21060.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class Mamba2 {
 public:
  using Spec = Mamba2Spec;
  using Weights = Mamba2Weights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const Mamba2Spec& spec, const Mamba2Weights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer projected_;
};

}  // namespace continuo
