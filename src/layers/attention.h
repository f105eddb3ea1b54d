// Attention, Vaswani et al. 2017, arXiv:1706.03762, equation 1, causal, with grouped queries: each token
// looks back.
#pragma once

#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

// Work that a thread does at once: some rows of one segment for one head of keys and the query heads that
// share it.
struct AttentionPiece {
  std::size_t segment, first_row, n_rows, kv_head;
  std::size_t span = 0;   // of the keys that are summed to
  float* sums = nullptr;  // attention_sum_floats for each query; null: all keys, to the queries' results
  bool places = false;    // what it looks for and its own key and value, before all else: they are one row's
};

// Spans of the same queries that are merged.
struct AttentionMerge {
  AttentionPiece first;
  std::size_t n_spans;
};

struct AttentionMemory {
  Buffer q, k, v;  // or
  Buffer qkv;
  Buffer gates;  // OutputGate::head: one for each head. Latent attention uses what it has no use for otherwise
  Buffer heads;  // the heads' results side by side
  Buffer sums;
  Buffer small, extra;                     // of adapters
  std::vector<std::size_t> rows_to_place;  // before all pieces
  std::vector<AttentionPiece> pieces;
  std::vector<AttentionMerge> merges;
};

class Attention {
 public:
  using Spec = AttentionSpec;
  using Weights = AttentionWeights;
  static constexpr bool kTakesFloats = false, kAddsToResidual = true;

  // out = W_o attention(x) for the rows of the step, whose keys and values are written to the layer's cache of
  // their sequences. Probe: NoListener or Listener& (probe.h).
  template <class Probe>
  void run(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  AttentionMemory memory_;
};

}  // namespace continuo
