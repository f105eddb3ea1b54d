// Zamba2's layers with a block of attention and feed-forward that they share. Glorioso et al. 2024, arXiv:2411.15242.
#pragma once

#include "layers/attention.h"
#include "layers/mamba2.h"
#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class SharedBlock {
 public:
  using Spec = SharedBlockSpec;
  using Weights = SharedBlockWeights;
  static constexpr bool kTakesFloats = true;  // rows are put beside their embeddings before any norm
  static constexpr bool kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const SharedBlockSpec& spec, const SharedBlockWeights& weights, StateSlot slot, Rows x,
           Branch out, Probe probe);

 private:
  // down(act(gate x) * up x), of rows that are d_model wide.
  template <class Probe>
  Rows feed(Step& step, const SharedBlockSpec& spec, const SharedBlockWeights& weights, StateSlot slot, Rows x,
            Probe probe);

  Attention attention_;
  Mamba2 mixer_;
  Buffer pair_, attended_, gate_, up_, fed_, linked_, small_, extra_;
};

}  // namespace continuo
