// The input layer: each token's row of the embedding matrix, and its position's row where the model learned one.
#pragma once

#include "layers/step.h"

namespace continuo {

// x[row] = embedding[token] (+ positions[position])
void embed(Step& step, const Model& model, Rows x);

}  // namespace continuo
