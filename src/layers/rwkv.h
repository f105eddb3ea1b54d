// Time mixing of RWKV-5.2, 6 and 7: each head keeps a matrix that decays and to which every token adds key x value;
// version
// 7 also takes out what the matrix held for a key. Peng et al. 2024, arXiv:2404.05892; 2025, arXiv:2503.14456.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

class Rwkv {
 public:
  using Spec = RwkvSpec;
  using Weights = RwkvWeights;
  static constexpr bool kTakesFloats = true;  // rows are mixed before any map
  static constexpr bool kAddsToResidual = true;

  template <class Probe>
  void run(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  // What the maps make of a step's rows, d_model wide each.
  struct Inputs {
    Rows r, w, k, v, g, a;
  };
  Inputs inputs_5(Step& step, const RwkvWeights& weights, Rows x, Rows before);
  Inputs inputs_6(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, Rows x, Rows before);
  Inputs inputs_7(Step& step, const RwkvSpec& spec, const RwkvWeights& weights, Rows x, Rows before);
  Inputs blank_inputs(std::size_t rows, std::size_t width, std::size_t value_width);
  // to = map(x mixed by the share)
  void map_mixed(Step& step, const Linear& map, Rows x, Rows before, const std::vector<float>& share, Rows to);

  Buffer before_, mixed_, r_, w_, k_, v_, g_, a_, small_, extra_, kappa_, result_;
  Buffer first_values_;  // version 7: of the first layer, for the others of the same step
};

}  // namespace continuo
