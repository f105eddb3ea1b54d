// The residual stream: what a branch of a block made is added to what came in (He et al. 2016,
// arXiv:1512.03385).
#pragma once

#include <optional>
#include <span>

#include "layers/step.h"

namespace continuo {

struct Residual {
  Rows rows;
  float scale;  // of what is added
};

// Where a branch leaves its result, and what it adds it to itself, unless somebody else does: x may be that,
// as it is read before. A result that is only added need not be left anywhere: `rows` without data.
struct Branch {
  Rows rows;
  std::optional<Residual> residual = {};
};

// rows[row][first + i] += scale * values[i]
void add_to_row(const KernelTable& kernels, const Residual& residual, std::size_t row, std::size_t first,
                std::span<const float> values);

// The same for all rows of the step, `width` wide.
void add(Step& step, Rows branch, std::size_t width, const Residual& residual);

}  // namespace continuo
