#include "layers/residual.h"

namespace continuo {

void add(Step& step, Rows branch, std::size_t width, float scale, Rows residual) {
  share(step, step.rows(), step.rows() * width, [&](std::size_t row, int) {
    float* const to = residual[row];
    const float* const from = branch[row];
    if (scale == 1) {
      for (std::size_t i = 0; i < width; ++i)
        to[i] += from[i];
    } else {
      for (std::size_t i = 0; i < width; ++i)
        to[i] += scale * from[i];
    }
  });
}

}  // namespace continuo
