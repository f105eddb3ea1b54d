// Normalization of each row.
#pragma once

#include "layers/step.h"

namespace continuo {

// out[row] = norm(x[row]) for `rows` rows of `n`.
void normalize(Step& step, const NormSpec& spec, const NormWeights& weights, Rows x, std::size_t rows, std::size_t n,
               Rows out);

}  // namespace continuo
