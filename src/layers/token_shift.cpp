#include "layers/token_shift.h"

#include <algorithm>

namespace continuo {

void rows_before(Step& step, StateSlot slot, Rows x, std::size_t width, Rows before) {
  for (std::size_t s = 0; s < step.segments.size(); ++s) {
    const std::size_t first = step.first_rows[s], n = step.segments[s].tokens.size();
    const std::span<float> last = step.recurrent(s, slot, width);
    for (std::size_t t = 0; t < n; ++t) std::copy_n(t == 0 ? last.data() : x[first + t - 1], width, before[first + t]);
    std::copy_n(x[first + n - 1], width, last.data());
  }
}

void mix_rows(Step& step, Rows x, Rows before, std::span<const float> share, Rows out) {
  share_rows(step, step.rows(), 2 * step.rows() * share.size(), [&](std::size_t row, int) {
    for (std::size_t i = 0; i < share.size(); ++i)
      out[row][i] = share[i] * x[row][i] + (1.0f - share[i]) * before[row][i];
  });
}

void mix_differences(Step& step, Rows x, Rows before, std::span<const float> share, Rows extra, Rows out) {
  share_rows(step, step.rows(), 2 * step.rows() * share.size(), [&](std::size_t row, int) {
    for (std::size_t i = 0; i < share.size(); ++i) {
      const float part = extra.data ? share[i] + extra[row][i] : share[i];
      out[row][i] = x[row][i] + (before[row][i] - x[row][i]) * part;
    }
  });
}

}  // namespace continuo
