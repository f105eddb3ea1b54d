#include "explain/recorder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace continuo::explain {

namespace {

// The softmax of scores[first..last), as weights at the same places; all others 0.
std::vector<float> softmax(std::span<const float> scores, std::size_t first, std::size_t last) {
  std::vector<float> weights(scores.size());
  const float largest = *std::max_element(scores.begin() + first, scores.begin() + last);
  double sum = 0;
  for (std::size_t j = first; j < last; ++j) sum += std::exp(double(scores[j]) - double(largest));
  for (std::size_t j = first; j < last; ++j) {
    weights[j] = static_cast<float>(std::exp(double(scores[j]) - double(largest)) / sum);
  }
  return weights;
}

HeadRecord record_head(const AttentionView& view, int head, std::size_t from, std::size_t to, bool unmasked) {
  const std::size_t n = to - from;
  HeadRecord record{.kv_head = head / (view.spec.n_heads / view.spec.n_kv_heads), .scores = Grid(n, n), .weights = Grid(n, n)};
  if (unmasked) record.unmasked = Grid(n, n);
  record.before.resize(n);
  for (std::size_t row = 0; row < n; ++row) {
    const std::size_t position = from + row;
    const auto scores = attention_scores(view, row, head, to);
    const auto weights = softmax(scores, first_visible(view.spec, position), position + 1);
    std::copy_n(scores.begin() + from, n, &record.scores.at(row, 0));
    std::copy_n(weights.begin() + from, n, &record.weights.at(row, 0));
    record.before[row] = std::accumulate(weights.begin(), weights.begin() + from, 0.0f);
    if (unmasked) {
      const auto all = softmax(scores, 0, to);
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

}  // namespace

LayerRecord& Recorder::layer(std::size_t i) {
  if (out_.layers.size() <= i) out_.layers.resize(i + 1);
  return out_.layers[i];
}

void Recorder::started() {
  out_.layers.clear();
  out_.hidden.clear();
}

void Recorder::measure(RowsView x, std::vector<float>& lengths, std::vector<float>* parts) {
  lengths.assign(x.rows, 0);
  if (parts) parts->assign(x.rows, 0);
  for (std::size_t row = 0; row < x.rows; ++row) {
    double whole = 0, part = 0;
    for (std::size_t i = 0; i < x.width; ++i) {
      const double value = x[row][i], added = parts ? value - double(last_.at(row, i)) : 0;
      whole += value * value;
      part += added * added;
    }
    lengths[row] = static_cast<float>(std::sqrt(whole));
    if (parts) (*parts)[row] = static_cast<float>(std::sqrt(part));
  }
  last_ = copy(x);
}

void Recorder::embedded(RowsView x) {
  measure(x, out_.embedded, nullptr);
  out_.hidden.push_back(last_);
}

void Recorder::looked_back(std::size_t i, const AttentionView& view) {
  AttentionRecord record{.spec = view.spec, .heads = {}};
  for (int head = 0; head < view.spec.n_heads; ++head) {
    record.heads.push_back(record_head(view, head, out_.from, out_.to, out_.without_mask));
  }
  layer(i).attention = std::move(record);
}

void Recorder::mixed(std::size_t i, RowsView x) { measure(x, layer(i).after_mixer, &layer(i).mixer_part); }

void Recorder::activated(std::size_t i, RowsView hidden) {
  LayerRecord& record = layer(i);
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

void Recorder::fed(std::size_t i, RowsView x) {
  measure(x, layer(i).after_feed, &layer(i).feed_part);
  out_.hidden.push_back(last_);
}

void Recorder::finished(std::span<const float> logits) {
  out_.logits = Grid(out_.rows(), out_.vocab_size);
  std::copy(logits.begin(), logits.end(), out_.logits.values.begin());
}

}  // namespace continuo::explain
