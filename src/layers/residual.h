// The residual stream: what a branch of a block made is added to what came in (He et al. 2016,
// arXiv:1512.03385).
#pragma once

#include <optional>

#include "layers/step.h"

namespace continuo {

struct Residual {
  Rows rows;
  float scale;  // of what is added
};

// Where a branch leaves its result, and what it adds it to itself, unless somebody else does: x may be that,
// as it is read before.
struct Branch {
  Rows rows;
  std::optional<Residual> residual = {};
};

// rows[row][i] += scale * branch[row][i] for first <= i < last.
void add_row(const KernelTable& kernels, const Residual& residual, Rows branch, std::size_t row,
             std::size_t first, std::size_t last);

// The same for all rows of the step, `width` wide.
void add(Step& step, Rows branch, std::size_t width, const Residual& residual);

}  // namespace continuo
