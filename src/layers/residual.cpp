#include "layers/residual.h"

namespace continuo {

void add_row(const KernelTable& kernels, const Residual& residual, Rows branch, std::size_t row,
             std::size_t first, std::size_t last) {
  kernels.add(residual.rows[row] + first, branch[row] + first, residual.scale, last - first);
}

void add(Step& step, Rows branch, std::size_t width, const Residual& residual) {
  share_rows(step, step.rows(), step.rows() * width,
             [&](std::size_t row, int) { add_row(step.kernels, residual, branch, row, 0, width); });
}

}  // namespace continuo
