#include "layers/residual.h"

namespace continuo {

void add_row(const Residual& residual, Rows branch, std::size_t row, std::size_t first, std::size_t last) {
  const float scale = residual.scale;
  float* const to = residual.rows[row];
  const float* const from = branch[row];
  if (scale == 1) {
    for (std::size_t i = first; i < last; ++i)
      to[i] += from[i];
  } else {
    for (std::size_t i = first; i < last; ++i)
      to[i] += scale * from[i];
  }
}

void add(Step& step, Rows branch, std::size_t width, const Residual& residual) {
  share_rows(step, step.rows(), step.rows() * width,
             [&](std::size_t row, int) { add_row(residual, branch, row, 0, width); });
}

}  // namespace continuo
