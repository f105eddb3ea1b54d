// The input layer: each token's row of the embedding matrix, and its position's and its type's rows where the model
// learned some.
#pragma once

#include <span>

#include "layers/step.h"

namespace continuo {

// row += the position's sinusoidal row.
void add_sinusoidal_position(const SinusoidalPositions& spec, std::size_t position, std::span<float> row);

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
