#include "explain/dense.h"

#include <algorithm>

#include "base/check.h"

namespace continuo::explain {

namespace {

// Values [first, first + n) of those that are stored one after the other.
std::vector<float> stored_values(const Matrix& m, std::size_t first, std::size_t n) {
  std::vector<float> out(n);
  format_info(m.format).to_float(m.data + stored_bytes(m.format, first), out.data(), n);
  return out;
}

}  // namespace

std::vector<float> dense_row(const Matrix& m, std::size_t row) {
  if (m.layout == Layout::row_major) return stored_values(m, row * m.stride, m.cols);
  const Grid all = dense(m);
  return {&all.at(row, 0), &all.at(row, 0) + m.cols};
}

Grid dense(const Matrix& m) {
  CONTINUO_CHECK(m.layout != Layout::panels, "a matrix that no file has");
  Grid out(m.rows, m.cols);
  if (m.layout == Layout::row_major) {
    for (std::size_t r = 0; r < m.rows; ++r) {
      const auto values = stored_values(m, r * m.stride, m.cols);
      std::copy(values.begin(), values.end(), &out.at(r, 0));
    }
    return out;
  }
  for (std::size_t c = 0; c < m.cols; ++c) {
    const auto values = stored_values(m, c * m.stride, m.rows);
    for (std::size_t r = 0; r < m.rows; ++r) out.at(r, c) = values[r];
  }
  return out;
}

}  // namespace continuo::explain
