// The input layer: each token's row of the embedding matrix, and its position's and its type's rows where the model
// learned some.
#pragma once

#include "layers/step.h"

namespace continuo {

class Embedding {
 public:
  // x[row] = norm(project_in(scale * embedding[token])) + positions[position], or, of BERT's kind,
  // x[row] = project_in(norm(embedding[token] + positions[position] + token_types[type])); what the model lacks is left
  // out.
  void operator()(Step& step, const Model& model, Rows x);

 private:
  Buffer narrow_;
};

}  // namespace continuo
