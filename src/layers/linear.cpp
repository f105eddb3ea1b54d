#include "layers/linear.h"

#include <algorithm>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::size_t kPanelStep = 16;          // outputs: whole cache lines of results
constexpr std::size_t kPanelBytes = 512 << 10;  // of weights: a panel stays in the second-level cache
constexpr std::size_t kPanelsPerThread = 4;     // so that a thread that was held up does not hold up the rest
constexpr std::size_t kInMajorPanel = 128;      // outputs of an in_major matrix that are taken together
constexpr std::size_t kWorthTransposing = 8;    // tokens from which on turning such a panel into rows pays

std::size_t panel_outputs(const Step& step, const Matrix& w) {
  if (w.layout == Layout::in_major) return kInMajorPanel;
  std::size_t outputs = w.rows;
  if (step.threads.size() > 1) outputs = w.rows / (kPanelsPerThread * step.threads.size());
  const std::size_t row_bytes = stored_bytes(w.format, w.cols);
  outputs = std::min(outputs, kPanelBytes / std::max<std::size_t>(row_bytes, 1));
  return std::max(round_up(outputs, kPanelStep), kPanelStep);
}

// The panel's weights as float rows: in_major matrices have an output's weights a stride apart.
const std::byte* transposed(const Step& step, const Matrix& w, Panel outputs, int worker) {
  constexpr std::size_t kTile = 16;  // inputs: a row of the result is written in whole cache lines
  const std::size_t n = outputs.last - outputs.first;
  const FormatInfo& info = format_info(w.format);
  float* const rows = step.scratch.get(worker, w.cols * kInMajorPanel);
  float tile[kTile][kInMajorPanel];
  for (std::size_t c = 0; c < w.cols; c += kTile) {
    const std::size_t inputs = std::min(kTile, w.cols - c);
    for (std::size_t i = 0; i < inputs; ++i) {
      info.to_float(w.data + stored_bytes(w.format, (c + i) * w.stride + outputs.first), tile[i], n);
    }
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t i = 0; i < inputs; ++i)
        rows[r * w.cols + c + i] = tile[i][r];
    }
  }
  return reinterpret_cast<const std::byte*>(rows);
}

void multiply_in_major(const Step& step, const Matrix& w, Panel outputs, Rows x, std::size_t tokens, Rows y,
                       int worker) {
  const std::size_t n = outputs.last - outputs.first;
  if (tokens >= kWorthTransposing) {
    step.kernels.matmul[static_cast<std::size_t>(Format::f32)](
        transposed(step, w, outputs, worker), w.cols * sizeof(float), n, w.cols, x.data, x.stride, tokens,
        y.data + outputs.first, y.stride);
    return;
  }
  float* const scratch = step.scratch.get(worker, 16 * n);
  for (std::size_t t = 0; t < tokens; ++t) {
    step.kernels.vector_in_major[static_cast<std::size_t>(w.format)](
        w.data + stored_bytes(w.format, outputs.first), stored_bytes(w.format, w.stride), n, w.cols, x[t],
        y[t] + outputs.first, scratch);
  }
}

}  // namespace

std::size_t panel_count(const Step& step, const Matrix& weight) {
  const std::size_t outputs = panel_outputs(step, weight);
  return (weight.rows + outputs - 1) / outputs;
}

Panel panel(const Step& step, const Matrix& weight, std::size_t i) {
  const std::size_t outputs = panel_outputs(step, weight);
  return {i * outputs, std::min(weight.rows, (i + 1) * outputs)};
}

void linear_panel(const Step& step, const Linear& map, Panel outputs, Rows x, std::size_t tokens, Rows y,
                  int worker) {
  const Matrix& w = map.weight;
  const std::size_t n = outputs.last - outputs.first;
  if (w.layout == Layout::in_major) {
    multiply_in_major(step, w, outputs, x, tokens, y, worker);
  } else {
    const std::size_t row_bytes = stored_bytes(w.format, w.stride);
    step.kernels.matmul[static_cast<std::size_t>(w.format)](w.data + outputs.first * row_bytes, row_bytes, n,
                                                            w.cols, x.data, x.stride, tokens,
                                                            y.data + outputs.first, y.stride);
  }
  if (map.bias.empty()) return;
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t r = outputs.first; r < outputs.last; ++r)
      y[t][r] += map.bias[r];
  }
}

void linear(Step& step, std::initializer_list<LinearJob> jobs, Rows x, std::size_t tokens) {
  std::size_t panels = 0, work = 0;
  for (const LinearJob& job : jobs) {
    panels += panel_count(step, job.map->weight);
    work += job.map->weight.rows * job.map->weight.cols * tokens;
  }
  share(step, panels, work, [&](std::size_t i, int worker) {
    for (const LinearJob& job : jobs) {
      const std::size_t mine = panel_count(step, job.map->weight);
      if (i < mine) {
        return linear_panel(step, *job.map, panel(step, job.map->weight, i), x, tokens, job.y, worker);
      }
      i -= mine;
    }
  });
}

}  // namespace continuo
