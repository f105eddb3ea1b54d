#include "layers/embedding.h"

#include <algorithm>
#include <cmath>

#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

namespace {

void unpack_row(const Matrix& m, std::size_t row, float* out) {
  format_info(m.format).to_float(m.data + stored_bytes(m.format, row * m.stride), out, m.cols);
}

void look_up(const Step& step, const Matrix& embedding, const ModelSpec& spec, Rows out) {
  const float scale = spec.embedding_scale;
  for (std::size_t row = 0; row < step.rows(); ++row) {
    const RowPlace place = step.places[row];
    const TokenId token = step.segments[place.segment].tokens[row - step.first_rows[place.segment]];
    if (token == spec.zero_token) {
      std::fill_n(out[row], embedding.cols, 0.0f);
      continue;
    }
    unpack_row(embedding, static_cast<std::size_t>(token), out[row]);
    if (scale == 1) continue;
    for (std::size_t i = 0; i < embedding.cols; ++i) out[row][i] *= scale;
  }
}

TokenId token_of(const Step& step, std::size_t row) {
  const RowPlace place = step.places[row];
  return step.segments[place.segment].tokens[row - step.first_rows[place.segment]];
}

void add_positions(const Step& step, const LearnedPositions& spec, const Matrix& positions, Rows x) {
  std::vector<float> learned(positions.cols);
  std::size_t skipped = 0;  // in this segment so far
  for (std::size_t row = 0; row < step.rows(); ++row) {
    const RowPlace place = step.places[row];
    if (row == step.first_rows[place.segment]) skipped = 0;
    std::size_t number = place.position - skipped + spec.offset;
    if (spec.skipped && token_of(step, row) == *spec.skipped) {
      number = static_cast<std::size_t>(*spec.skipped);
      ++skipped;
    }
    unpack_row(positions, number, learned.data());
    for (std::size_t i = 0; i < learned.size(); ++i) x[row][i] += learned[i];
  }
}

void add_token_types(const Step& step, const Matrix& types, Rows x) {
  std::vector<float> learned(types.cols);
  for (std::size_t row = 0; row < step.rows(); ++row) {
    const std::size_t segment = step.places[row].segment;
    const std::span<const std::uint8_t> stated = step.segments[segment].token_types;
    unpack_row(types, stated.empty() ? 0 : stated[row - step.first_rows[segment]], learned.data());
    for (std::size_t i = 0; i < learned.size(); ++i) x[row][i] += learned[i];
  }
}

void add_positions(const Step& step, const SinusoidalPositions& spec, std::size_t width, Rows x) {
  for (std::size_t row = 0; row < step.rows(); ++row) {
    add_sinusoidal_position(spec, step.places[row].position, {x[row], width});
  }
}

}  // namespace

void add_sinusoidal_position(const SinusoidalPositions& spec, std::size_t position, std::span<float> row) {
  const std::size_t half = row.size() / 2;
  const double step_log = half > 1 ? std::log(10000.0) / static_cast<double>(half - 1) : 0;
  const auto n = static_cast<double>(position) + spec.offset;
  if (n == spec.zero_row) return;
  for (std::size_t i = 0; i < half; ++i) {
    const double angle = n * std::exp(-step_log * static_cast<double>(i));
    row[i] += static_cast<float>(std::sin(angle));
    row[half + i] += static_cast<float>(std::cos(angle));
  }
}

void Embedding::operator()(Step& step, const Model& model, Rows x) {
  const ModelSpec& spec = model.spec;
  const Weights& weights = model.weights;
  const bool widened = weights.project_in.weight.data != nullptr;
  const Rows looked_up = widened ? narrow_.rows(step.rows(), weights.embedding.cols) : x;
  const auto add_rows = [&](Rows to) {
    if (weights.token_types.data) add_token_types(step, weights.token_types, to);
    if (const auto* learned = std::get_if<LearnedPositions>(&spec.positions)) {
      add_positions(step, *learned, weights.learned_positions, to);
    } else if (const auto* sinusoidal = std::get_if<SinusoidalPositions>(&spec.positions)) {
      add_positions(step, *sinusoidal, static_cast<std::size_t>(spec.d_model), to);
    }
  };
  const auto normalize_rows = [&](Rows rows) {
    if (spec.embedding_norm) normalize(step, *spec.embedding_norm, weights.embedding_norm, rows, step.rows(), rows);
  };
  look_up(step, weights.embedding, spec, looked_up);
  if (spec.sums_before_norm) {
    add_rows(looked_up);
    normalize_rows(looked_up);
  }
  if (widened) linear(step, {{&weights.project_in, x}}, looked_up, step.rows());
  if (!spec.sums_before_norm) {
    normalize_rows(x);
    add_rows(x);
  }
}

}  // namespace continuo
