#include "layers/linear.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::size_t kPanelStep = 16;             // outputs: whole cache lines of results
constexpr std::size_t kPanelBytes = 512 << 10;     // of weights: a panel stays in the second-level cache
constexpr std::size_t kPanelsPerThread = 2;        // so that a thread that was held up does not hold up the rest
constexpr std::size_t kInputBytes = 64 << 10;      // of rounded inputs: they stay in a cache while panels pass
constexpr std::size_t kInMajorPanel = 128;         // outputs of an transposed matrix that are taken together
constexpr std::size_t kUnpackedBytes = 128 << 10;  // of rows that are unpacked together: they stay in the cache too
constexpr std::size_t kWorthTransposing = 8;       // tokens from which on turning such a panel into rows pays

std::size_t panel_outputs(const Step& step, const Matrix& w, std::size_t unit) {
  if (w.layout == Layout::transposed) return kInMajorPanel;
  std::size_t outputs = w.rows;
  if (step.threads.size() > 1) outputs = w.rows / (kPanelsPerThread * step.threads.size());
  const std::size_t row_bytes = stored_bytes(w.format, w.cols);
  outputs = std::min(outputs, kPanelBytes / std::max<std::size_t>(row_bytes, 1));
  const std::size_t step_outputs = std::lcm(std::lcm(kPanelStep, unit), std::max<std::size_t>(w.paired_head, 1));
  return std::max(round_up(outputs, step_outputs), step_outputs);
}

// The panel's weights as float rows: transposed matrices have an output's weights a stride apart.
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
      for (std::size_t i = 0; i < inputs; ++i) rows[r * w.cols + c + i] = tile[i][r];
    }
  }
  return reinterpret_cast<const std::byte*>(rows);
}

void multiply_transposed(const Step& step, const Matrix& w, Panel outputs, Rows x, std::size_t tokens, Rows y,
                         int worker) {
  CONTINUO_CHECK(format_is_plain(w.format), "weights in blocks are stored output by output");
  const std::size_t n = outputs.last - outputs.first;
  if (tokens >= kWorthTransposing) {
    step.kernels.matmul[static_cast<std::size_t>(Format::f32)](transposed(step, w, outputs, worker),
                                                               w.cols * sizeof(float), n, w.cols, x.data, x.stride,
                                                               tokens, y.data, y.stride);
    return;
  }
  float* const scratch = step.scratch.get(worker, 16 * n);
  for (std::size_t t = 0; t < tokens; ++t) {
    step.kernels.vector_transposed[static_cast<std::size_t>(w.format)](w.data + stored_bytes(w.format, outputs.first),
                                                                       stored_bytes(w.format, w.stride), n, w.cols,
                                                                       x[t], y[t], scratch);
  }
}

// Several tokens and weights in blocks: the rows are unpacked once for all of them, a few at a time.
void multiply_unpacked(const Step& step, const Matrix& w, Panel outputs, Rows x, std::size_t tokens, Rows y,
                       int worker) {
  const std::size_t row_bytes = stored_bytes(w.format, w.stride);
  const std::size_t at_once =
      std::max<std::size_t>(kUnpackedBytes / (w.cols * sizeof(float)) / kPanelStep, 1) * kPanelStep;
  float* const rows = step.scratch.get(worker, std::min(at_once, outputs.last - outputs.first) * w.cols);
  for (std::size_t first = outputs.first; first < outputs.last; first += at_once) {
    const std::size_t n = std::min(at_once, outputs.last - first);
    for (std::size_t r = 0; r < n; ++r) {
      step.kernels.unpack[static_cast<std::size_t>(w.format)](w.data + (first + r) * row_bytes, rows + r * w.cols,
                                                              w.cols);
    }
    step.kernels.matmul[static_cast<std::size_t>(Format::f32)](reinterpret_cast<const std::byte*>(rows),
                                                               w.cols * sizeof(float), n, w.cols, x.data, x.stride,
                                                               tokens, y.data + first - outputs.first, y.stride);
  }
}

// The outputs of whole heads from pairs 2i, 2i + 1 to the order i, i + paired_head / 2.
void unpair(const Step& step, std::size_t head, Panel outputs, std::size_t tokens, Rows y, int worker) {
  float* const pairs = step.scratch.get(worker, head);
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t first = outputs.first; first + head <= outputs.last; first += head) {
      float* const values = y[t] + first - outputs.first;
      std::copy_n(values, head, pairs);
      for (std::size_t i = 0; i < head / 2; ++i) {
        values[i] = pairs[2 * i];
        values[i + head / 2] = pairs[2 * i + 1];
      }
    }
  }
}

const Matrix& latest(const Step& step, const Matrix& w) { return step.repacked ? step.repacked->latest(w) : w; }

// Weights in a block format, unless products are to be exact.
bool int8_product(const Step& step, const Matrix& w) {
  return step.kernels.int8 && w.layout != Layout::transposed &&
         step.kernels.int8->matmul[static_cast<std::size_t>(w.format)] != nullptr;
}

void multiply_int8(const Step& step, const Matrix& w, Panel outputs, Rows x, std::size_t tokens, Rows y, int worker) {
  const Int8Kernels& int8 = *step.kernels.int8;
  const std::size_t for_weights = int8_scratch_bytes(w.cols),
                    for_rows = x.rounded.data ? 0 : tokens * int8_bytes(w.cols);
  auto* const scratch =
      reinterpret_cast<std::byte*>(step.scratch.get(worker, (for_weights + for_rows) / sizeof(float)));
  if (!x.rounded.data) {
    x.rounded = {scratch + for_weights, tokens, w.cols};
    for (std::size_t t = 0; t < tokens; ++t) round_values(step, x.rounded, t, 0, {x[t], w.cols});
  }
  const std::size_t format = static_cast<std::size_t>(w.format), n = outputs.last - outputs.first;
  if (w.layout == Layout::panels) {
    CONTINUO_CHECK(outputs.first % int8.panel == 0, "outputs from the midst of a panel");
    const std::byte* const panels = w.data + outputs.first / int8.panel * repacked_bytes(w.format, int8.panel, w.cols);
    int8.matmul_repacked[format](panels, n, w.cols, x.rounded.data, tokens, y.data, y.stride, scratch);
    return;
  }
  const std::size_t row_bytes = stored_bytes(w.format, w.stride);
  int8.matmul[format](w.data + outputs.first * row_bytes, row_bytes, n, w.cols, x.rounded.data, tokens, y.data,
                      y.stride, scratch);
}

}  // namespace

void Consumers::add(const Linear& map) {
  if (!map.weight.data) return;
  CONTINUO_CHECK(n_maps_ < maps_.size(), "more consumers than there is room for");
  maps_[n_maps_++] = &map;
}

void Consumers::add(const Consumers& more) {
  for (const Linear* map : more.maps()) add(*map);
  floats_ = floats_ || more.floats_;
}

Rows rows_for(const Step& step, const Consumers& consumers, Buffer& buffer, std::size_t n, std::size_t width) {
  bool floats = consumers.floats(), rounded = false;
  for (const Linear* map : consumers.maps()) {
    (int8_product(step, map->weight) ? rounded : floats) = true;
    if (step.low_rank && step.low_rank->adds_to(step, *map)) floats = true;
  }
  Rows rows = floats ? buffer.rows(n, width) : Rows{};
  if (rounded) rows.rounded = buffer.rounded(n, width);
  return rows;
}

void round_values(const Step& step, const RoundedRows& to, std::size_t row, std::size_t first,
                  std::span<const float> values) {
  if (!to.data) return;
  const std::size_t tile = step.kernels.int8->tile, begin = row / tile * tile, tokens = std::min(tile, to.n - begin);
  step.kernels.int8->quantize(values.data(), values.size(), row - begin, tokens,
                              to.data + begin * int8_bytes(to.width) + tokens * int8_bytes(first));
}

namespace {

void prepare_adapters(Step& step, std::initializer_list<const Linear*> maps, Rows x, std::size_t tokens) {
  const Linear* before = nullptr;
  for (const Linear* map : maps) {
    if (map == std::exchange(before, map) || !step.low_rank->adds_to(step, *map)) continue;
    CONTINUO_CHECK(tokens == step.rows(), "adapters belong to maps of all rows of a step");
    step.low_rank->prepare(step, *map, x);
  }
}

}  // namespace

Rows with_rounded(Step& step, std::initializer_list<const Linear*> maps, Rows x, std::size_t tokens) {
  const auto wants = [&](const Linear* map) { return int8_product(step, map->weight); };
  for (const Linear* map : maps) {
    if (step.repacked && map->weight.data) step.repacked->want(map->weight);
  }
  if (step.low_rank) prepare_adapters(step, maps, x, tokens);
  const auto found = std::find_if(maps.begin(), maps.end(), wants);
  if (x.rounded.data || found == maps.end()) return x;
  const std::size_t k = (*found)->weight.cols;
  x.rounded = step.rounded.rounded(tokens, k);
  share_rows(step, tokens, tokens * k, [&](std::size_t t, int) { round_values(step, x.rounded, t, 0, {x[t], k}); });
  return x;
}

std::size_t panel_count(const Step& step, const Matrix& weight, std::size_t unit) {
  const std::size_t outputs = panel_outputs(step, weight, unit);
  return (weight.rows + outputs - 1) / outputs;
}

Panel panel(const Step& step, const Matrix& weight, std::size_t i, std::size_t unit) {
  const std::size_t outputs = panel_outputs(step, weight, unit);
  return {i * outputs, std::min(weight.rows, (i + 1) * outputs)};
}

std::size_t tokens_together(const Step& step, const Linear& map, std::size_t tokens) {
  const Matrix& w = latest(step, map.weight);
  if (w.layout == Layout::panels) {
    const std::size_t tile = step.kernels.int8->tile;
    return std::max<std::size_t>(kInputBytes / int8_bytes(w.cols) / tile, 1) * tile;
  }
  return tokens;
}

Rows rows_from(const Linear& map, Rows x, std::size_t first, std::size_t n) {
  Rows some = x.data ? Rows{x[first], x.stride} : Rows{};
  some.first = x.first + first;
  const std::size_t k = map.weight.cols;
  if (x.rounded.data) some.rounded = {x.rounded.data + first * int8_bytes(k), n, k};
  return some;
}

void linear_panel(const Step& step, const Linear& map, Panel outputs, Rows x, std::size_t tokens, Rows y, int worker) {
  const Matrix& w = latest(step, map.weight);
  const std::size_t n = outputs.last - outputs.first;
  if (w.layout == Layout::transposed) {
    multiply_transposed(step, w, outputs, x, tokens, y, worker);
  } else if (int8_product(step, w)) {
    multiply_int8(step, w, outputs, x, tokens, y, worker);
  } else if (!format_is_plain(w.format) && tokens > 1) {
    multiply_unpacked(step, w, outputs, x, tokens, y, worker);
  } else {
    const std::size_t row_bytes = stored_bytes(w.format, w.stride);
    step.kernels.matmul[static_cast<std::size_t>(w.format)](w.data + outputs.first * row_bytes, row_bytes, n, w.cols,
                                                            x.data, x.stride, tokens, y.data, y.stride);
  }
  if (w.paired_head > 0) unpair(step, w.paired_head, outputs, tokens, y, worker);
  if (!map.bias.empty()) {
    for (std::size_t t = 0; t < tokens; ++t) step.kernels.add(y[t], map.bias.data() + outputs.first, 1, n);
  }
  if (step.low_rank) step.low_rank->add(step, map, outputs, x.first, tokens, y, worker);
}

void linear(Step& step, std::initializer_list<LinearJob> jobs, Rows x, std::size_t tokens) {
  if (tokens == 0) return;
  std::size_t panels = 0, work = 0;
  for (const LinearJob& job : jobs) {
    panels += panel_count(step, job.map->weight);
    work += job.map->weight.rows * job.map->weight.cols * tokens;
  }
  for (const LinearJob& job : jobs) x = with_rounded(step, {job.map}, x, tokens);
  share(step, panels, work, [&](std::size_t i, int worker) {
    for (const LinearJob& job : jobs) {
      const std::size_t mine = panel_count(step, job.map->weight);
      if (i < mine) {
        const Panel outputs = panel(step, job.map->weight, i);
        const std::size_t together = tokens_together(step, *job.map, tokens);
        for (std::size_t first = 0; first < tokens; first += together) {
          const std::size_t n = std::min(together, tokens - first);
          const std::size_t width = outputs.last - outputs.first;
          const Rows y = job.y.rows.data ? Rows{job.y.rows[first] + outputs.first, job.y.rows.stride}
                                         : Rows{step.scratch.results(worker, n * width), width};
          linear_panel(step, *job.map, outputs, rows_from(*job.map, x, first, n), n, y, worker);
          for (std::size_t t = 0; job.y.residual && t < n; ++t) {
            add_to_row(step.kernels, *job.y.residual, first + t, outputs.first, {y[t], width});
          }
        }
        return;
      }
      i -= mine;
    }
  });
}

void add_adapter(Step& step, const Adapter& adapter, Rows x, std::size_t tokens, Rows y, Buffer& small, Buffer& extra) {
  if (!adapter.in.weight.data) return;
  const std::size_t width = adapter.out.weight.rows;
  const Rows hidden = small.rows(tokens, adapter.in.weight.rows), added = extra.rows(tokens, width);
  linear(step, {{&adapter.in, {hidden}}}, x, tokens);
  linear(step, {{&adapter.out, {added}}}, hidden, tokens);
  share_rows(step, tokens, tokens * width, [&](std::size_t row, int) {
    for (std::size_t i = 0; i < width; ++i) y[row][i] += added[row][i];
  });
}

}  // namespace continuo
