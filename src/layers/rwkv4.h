// RWKV-4's time mixing: a running average of values, weighted by exp(key) and decaying by channel; Peng et al. 2023,
// arXiv:2305.13048, equations 11 to 16, in the form that keeps exponents small.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class Rwkv4 {
 public:
  using Spec = Rwkv4Spec;
  using Weights = Rwkv4Weights;
  static constexpr bool kTakesFloats = true;  // rows are mixed before any map
  static constexpr bool kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const Rwkv4Spec& spec, const Rwkv4Weights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  Buffer before_, mixed_, key_, value_, receptance_;
};

}  // namespace continuo
