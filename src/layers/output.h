// The output layer: the last hidden states as scores of the vocabulary.
#pragma once

#include <span>

#include "layers/step.h"

namespace continuo {

class Output {
 public:
  // vocab_size logits for each row that is wanted, in order; valid until the next call.
  std::span<const float> operator()(Step& step, const Model& model, Rows x);
  // d_model values for each such row: what the output matrix, or the head before it, is applied to.
  std::span<const float> hidden_states(Step& step, const Model& model, Rows x);

 private:
  Buffer wanted_, narrow_, head_, logits_;
};

}  // namespace continuo
