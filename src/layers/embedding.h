// The input layer: each token's row of the embedding matrix, and its position's row where the model learned
// one.
#pragma once

#include "layers/step.h"

namespace continuo {

class Embedding {
 public:
  // x[row] = norm(project_in(scale * embedding[token])) (+ positions[position]); what the model lacks is left out.
  void operator()(Step& step, const Model& model, Rows x);

 private:
  Buffer narrow_;
};

}  // namespace continuo
