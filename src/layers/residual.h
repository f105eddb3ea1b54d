// The residual stream: what a branch of a block made is added to what came in (He et al. 2016,
// arXiv:1512.03385).
#pragma once

#include "layers/step.h"

namespace continuo {

// residual[row] += scale * branch[row] for all rows of the step, `width` wide.
void add(Step& step, Rows branch, std::size_t width, float scale, Rows residual);

}  // namespace continuo
