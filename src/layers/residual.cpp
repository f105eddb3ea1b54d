#include "layers/residual.h"

namespace continuo {

void add_to_row(const KernelTable& kernels, const Residual& residual, std::size_t row, std::size_t first,
                std::span<const float> values) {
  kernels.add(residual.rows[row] + first, values.data(), residual.scale, values.size());
}

void add(Step& step, Rows branch, std::size_t width, const Residual& residual) {
  share_rows(step, step.rows(), step.rows() * width, [&](std::size_t row, int) {
    add_to_row(step.kernels, residual, row, 0, {branch[row], width});
  });
}

}  // namespace continuo
