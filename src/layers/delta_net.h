// Gated delta net, Yang et al. 2024, arXiv:2412.06464: linear attention whose state S, a matrix for each
// head, decays and is corrected towards each token's value:
//   S = e^g S;  S += k (beta (v - S' k))';  o = S' q.
#pragma once

#include <vector>

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class DeltaNet {
 public:
  using Spec = DeltaNetSpec;
  using Weights = DeltaNetWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const DeltaNetSpec& spec, const DeltaNetWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  struct Projected {
    Rows qkv, z, b, a;  // conv_channels, n_value_heads * value_dim, n_value_heads and n_value_heads wide
  };
  Projected project(Step& step, const DeltaNetSpec& spec, const DeltaNetWeights& weights, Rows x);

  Buffer qkv_, z_, b_, a_, grouped_, grouped_ba_;
  std::vector<float> q_scale_, k_scale_;
};

}  // namespace continuo
