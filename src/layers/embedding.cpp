#include "layers/embedding.h"

namespace continuo {

namespace {

void unpack_row(const Matrix& m, std::size_t row, float* out) {
  format_info(m.format).to_float(m.data + stored_bytes(m.format, row * m.stride), out, m.cols);
}

}  // namespace

void embed(Step& step, const Model& model, Rows x) {
  const std::size_t d_model = model.spec.d_model;
  std::vector<float> learned(model.weights.learned_positions.data ? d_model : 0);
  for (std::size_t row = 0; row < step.rows(); ++row) {
    const RowPlace place = step.places[row];
    const TokenId token = step.segments[place.segment].tokens[row - step.first_rows[place.segment]];
    unpack_row(model.weights.embedding, static_cast<std::size_t>(token), x[row]);
    if (learned.empty()) continue;
    unpack_row(model.weights.learned_positions, place.position, learned.data());
    for (std::size_t i = 0; i < d_model; ++i) x[row][i] += learned[i];
  }
}

}  // namespace continuo
