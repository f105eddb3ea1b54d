// The output layer: the last hidden states as scores of the vocabulary.
#pragma once

#include <span>

#include "layers/step.h"

namespace continuo {

class Output {
 public:
  // vocab_size logits for each row that wants them, in order; valid until the next call.
  std::span<const float> operator()(Step& step, const Model& model, Rows x);

 private:
  Buffer wanted_, narrow_, head_, logits_;
};

}  // namespace continuo
