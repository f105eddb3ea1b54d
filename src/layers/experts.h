// A mixture of experts, Shazeer et al. 2017, arXiv:1701.06538: a router sends each token to a few of many
// feed-forward networks, whose results are added with the router's weights.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/feed_forward.h"
#include "layers/step.h"

namespace continuo {

// Which rows go to which expert. A slot is a row at an expert; slots stand in order of the expert, then of
// the row.
struct Routing {
  std::vector<std::size_t> first_slots;  // of each expert, and the number of slots
  std::vector<std::size_t> rows;         // of each slot
  std::vector<float> weights;            // of each slot
  std::vector<std::size_t> row_slots;    // n_active for each row, in order of the expert
};
// `scores`: the router's, n_experts for each row. `selection_bias`: n_experts, or empty.
void route(const ExpertsSpec& spec, Rows scores, std::size_t rows, Routing& routing,
           std::span<const float> selection_bias = {});

class Experts {
 public:
  using Spec = ExpertsSpec;
  using Weights = ExpertsWeights;
  static constexpr bool kTakesFloats = true;  // rows are copied for the experts
  static constexpr bool kAddsToResidual = false;

  // out = sum of weight * expert(x) over the chosen experts, and the shared expert's result where there is
  // one, for the rows of the step. A row's sum runs in order of the experts, whatever the other rows choose.
  // The weights of an expert that nobody chose are not touched; those of the others are read once.
  void operator()(Step& step, const ExpertsSpec& spec, const ExpertsWeights& weights, Rows x, Rows out);
  template <class Probe>
  void run(Step& step, const ExpertsSpec& spec, const ExpertsWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe) {
    (*this)(step, spec, weights, x, out.rows);
    probe.routed(slot.layer, routing_);
  }

 private:
  void run_chosen(Step& step, const ExpertsSpec& spec, const ExpertsWeights& weights, Rows x);

  Routing routing_;
  FeedForward shared_;
  std::vector<std::size_t> active_;  // experts that have slots
  Buffer scores_, inputs_, hidden_, results_, shared_result_, shared_score_;
};

}  // namespace continuo
