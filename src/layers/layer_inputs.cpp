#include "layers/layer_inputs.h"

#include <cmath>
#include <numbers>

#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

void LayerInputs::prepare(Step& step, const Model& model, Rows x) {
  const LayerEmbeddingSpec& spec = *model.spec.layer_embedding;
  const Weights& weights = model.weights;
  const std::size_t rows = step.rows(), n_layers = model.spec.layers.size(),
                    width = static_cast<std::size_t>(spec.width);
  const Rows all = inputs_.rows(rows, n_layers * width);
  linear(step, {{&weights.layer_embedding_project, all}}, x, rows);
  const float shrink = 1 / std::sqrt(static_cast<float>(model.spec.d_model));
  const float half = 1 / std::numbers::sqrt2_v<float>;
  const Matrix& embedding = weights.layer_embedding;
  share_rows(step, rows, rows * n_layers * width, [&](std::size_t row, int worker) {
    const RowPlace place = step.places[row];
    const auto token =
        static_cast<std::size_t>(step.segments[place.segment].tokens[row - step.first_rows[place.segment]]);
    float* const looked_up = step.scratch.results(worker, embedding.cols);
    format_info(embedding.format)
        .to_float(embedding.data + stored_bytes(embedding.format, token * embedding.stride), looked_up, embedding.cols);
    for (std::size_t i = 0; i < embedding.cols; ++i) all[row][i] *= shrink;
    for (std::size_t layer = 0; layer < n_layers; ++layer) {
      float* const part = all[row] + layer * width;
      normalize_row(step.kernels, spec.norm, weights.layer_embedding_norm, 0, {part, width}, part);
      for (std::size_t i = 0; i < width; ++i) part[i] = (part[i] + spec.scale * looked_up[layer * width + i]) * half;
    }
  });
}

void LayerInputs::add(Step& step, const Model& model, std::size_t layer, Rows x) {
  const LayerInputSpec& spec = *model.spec.layers[layer].layer_input;
  const LayerWeights& weights = model.weights.layers[layer];
  const std::size_t rows = step.rows(), width = static_cast<std::size_t>(spec.width),
                    d_model = static_cast<std::size_t>(model.spec.d_model);
  const Rows inputs = inputs_.rows(rows, model.spec.layers.size() * width).from(layer * width);
  const Rows gates = gates_.rows(rows, width), made = made_.rows(rows, d_model);
  linear(step, {{&weights.input_gate, gates}}, x, rows);
  const KernelTable::Activate activate = activation_kernel(step.kernels, spec.activation);
  for (std::size_t row = 0; row < rows; ++row) activate(gates[row], inputs[row], width);
  linear(step, {{&weights.input_projection, made}}, gates, rows);
  normalize(step, spec.norm, weights.input_norm, made, rows, made);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < d_model; ++i) x[row][i] += made[row][i];
  }
}

}  // namespace continuo
