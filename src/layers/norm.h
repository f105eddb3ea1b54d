// Normalization of each row.
#pragma once

#include <span>

#include "layers/step.h"

namespace continuo {

// out = norm(x) with the weights from `offset` on; `out` may be x.
void normalize_row(const KernelTable& kernels, const NormSpec& spec, const NormWeights& weights, std::size_t offset,
                   std::span<const float> x, float* out);

// out[row] = norm(x[row]) for `rows` rows as wide as the weights; `out` may be x, or be rounded only.
void normalize(Step& step, const NormSpec& spec, const NormWeights& weights, Rows x, std::size_t rows, Rows out);

}  // namespace continuo
