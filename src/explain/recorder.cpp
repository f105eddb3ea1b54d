#include "explain/recorder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "explain/memory_record.h"

namespace continuo::explain {

namespace {

// The softmax of scores[first..last), as weights at the same places; all others 0. A sink takes its share, which is
// none's.
std::vector<float> softmax(std::span<const float> scores, std::size_t first, std::size_t last,
                           std::optional<float> sink) {
  std::vector<float> weights(scores.size());
  float largest = *std::max_element(scores.begin() + first, scores.begin() + last);
  if (sink) largest = std::max(largest, *sink);
  double sum = sink ? std::exp(double(*sink) - double(largest)) : 0;
  for (std::size_t j = first; j < last; ++j) sum += std::exp(double(scores[j]) - double(largest));
  for (std::size_t j = first; j < last; ++j) {
    weights[j] = static_cast<float>(std::exp(double(scores[j]) - double(largest)) / sum);
  }
  return weights;
}

HeadRecord record_head(const AttentionView& view, std::size_t head, std::size_t from, std::size_t to, bool unmasked) {
  const std::size_t n = to - from;
  HeadRecord record{.kv_head = head / static_cast<std::size_t>(view.spec.n_heads / view.spec.n_kv_heads),
                    .scores = Grid(n, n),
                    .weights = Grid(n, n)};
  if (unmasked) record.unmasked = Grid(n, n);
  record.before.resize(n);
  const std::optional<float> sink = view.sinks.empty() ? std::nullopt : std::optional(view.sinks[head]);
  for (std::size_t row = 0; row < n; ++row) {
    const std::size_t position = from + row;
    const auto scores = attention_scores(view, row, head, to);
    const auto weights = softmax(scores, first_visible(view.spec, position), position + 1, sink);
    std::copy_n(scores.begin() + from, n, &record.scores.at(row, 0));
    std::copy_n(weights.begin() + from, n, &record.weights.at(row, 0));
    record.before[row] = std::accumulate(weights.begin(), weights.begin() + from, 0.0f);
    if (unmasked) {
      const auto all = softmax(scores, 0, to, sink);
      std::copy_n(all.begin() + from, n, &record.unmasked.at(row, 0));
    }
  }
  return record;
}

Grid copy(RowsView x) {
  Grid grid(x.rows, x.width);
  for (std::size_t row = 0; row < x.rows; ++row) std::copy_n(x[row].data(), x.width, &grid.at(row, 0));
  return grid;
}

// Of each row, times `scale`.
std::vector<float> lengths(RowsView x, float scale) {
  std::vector<float> out(x.rows);
  for (std::size_t row = 0; row < x.rows; ++row) {
    double squares = 0;
    for (const float value : x[row]) squares += double(value) * double(value);
    out[row] = static_cast<float>(double(scale) * std::sqrt(squares));
  }
  return out;
}

}  // namespace

void Recorder::started() {
  out_.layers.assign(spec_.layers.size(), {});
  out_.hidden.clear();
}

void Recorder::embedded(RowsView x) {
  out_.embedded = lengths(x, 1);
  out_.hidden.push_back(copy(x));
}

void Recorder::looked_back(std::size_t i, const AttentionView& view) {
  AttentionRecord record{.spec = view.spec, .heads = {}};
  for (std::size_t head = 0; head < static_cast<std::size_t>(view.spec.n_heads); ++head) {
    record.heads.push_back(record_head(view, head, out_.from, out_.to, out_.without_mask));
  }
  out_.layers[i].attention = std::move(record);
}

void Recorder::scanned(std::size_t i, const RecurrenceView* view) {
  out_.layers[i].memory = record_memory(*view, out_.from > 0);
}

void Recorder::mixed(std::size_t i, RowsView part) {
  out_.layers[i].mixer_part = lengths(part, spec_.layers[i].residual_scale);
}

void Recorder::activated(std::size_t i, RowsView hidden) {
  LayerRecord& record = out_.layers[i];
  record.d_ff = hidden.width;
  record.neurons.clear();
  std::size_t positive = 0;
  std::vector<std::size_t> order(hidden.width);
  for (std::size_t row = 0; row < hidden.rows; ++row) {
    const auto values = hidden[row];
    positive += std::count_if(values.begin(), values.end(), [](float value) { return value > 0; });
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t kept = std::min(kNeurons, order.size());
    std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                      [&](std::size_t a, std::size_t b) { return std::fabs(values[a]) > std::fabs(values[b]); });
    std::vector<Neuron>& strongest = record.neurons.emplace_back();
    for (std::size_t k = 0; k < kept; ++k) strongest.push_back({order[k], values[order[k]]});
  }
  record.positive = double(positive) / double(hidden.rows * hidden.width);
}

void Recorder::fed(std::size_t i, RowsView part) {
  out_.layers[i].feed_part = lengths(part, spec_.layers[i].residual_scale);
}

void Recorder::passed(std::size_t i, RowsView x) {
  out_.layers[i].residual = lengths(x, 1);
  out_.hidden.push_back(copy(x));
}

void Recorder::finished(std::span<const float> logits) {
  out_.logits = Grid(out_.rows(), out_.vocab_size);
  std::copy(logits.begin(), logits.end(), out_.logits.values.begin());
}

}  // namespace continuo::explain
