#include "explain/recorder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "explain/memory_record.h"
#include "layers/experts.h"

namespace continuo::explain {

namespace {

struct Softmax {
  std::vector<float> weights;  // at the scores' places, 0 outside the keys that are seen
  float sink = 0;              // the share of the head's sink, which has no value
};

Softmax softmax(std::span<const float> scores, VisibleKeys keys, std::optional<float> sink) {
  Softmax out{.weights = std::vector<float>(scores.size())};
  const auto first = static_cast<std::ptrdiff_t>(keys.first), end = static_cast<std::ptrdiff_t>(keys.end);
  float largest = *std::max_element(scores.begin() + first, scores.begin() + end);
  if (sink) largest = std::max(largest, *sink);
  const double of_sink = sink ? std::exp(double(*sink) - double(largest)) : 0;
  double sum = of_sink;
  for (std::size_t j = keys.first; j < keys.end; ++j) sum += std::exp(double(scores[j]) - double(largest));
  for (std::size_t j = keys.first; j < keys.end; ++j) {
    out.weights[j] = static_cast<float>(std::exp(double(scores[j]) - double(largest)) / sum);
  }
  out.sink = static_cast<float>(of_sink / sum);
  return out;
}

HeadRecord record_head(const AttentionView& view, std::size_t head, std::size_t from, std::size_t to, bool unmasked) {
  const std::size_t n = to - from;
  HeadRecord record{.kv_head = head / static_cast<std::size_t>(view.spec.n_heads / view.spec.n_kv_heads),
                    .queries = Grid(n, static_cast<std::size_t>(view.spec.head_dim)),
                    .scores = Grid(n, n),
                    .weights = Grid(n, n)};
  if (unmasked) record.unmasked = Grid(n, n);
  record.before.resize(n);
  const std::optional<float> sink = view.sinks.empty() ? std::nullopt : std::optional(view.sinks[head]);
  for (std::size_t row = 0; row < n; ++row) {
    const auto query = view.queries(row, head);
    std::copy(query.begin(), query.end(), &record.queries.at(row, 0));
    const auto scores = attention_scores(view, row, head, to);
    const Softmax seen = softmax(scores, visible_keys(view.spec, from + row, to), sink);
    std::copy_n(scores.begin() + static_cast<std::ptrdiff_t>(from), n, &record.scores.at(row, 0));
    std::copy_n(seen.weights.begin() + static_cast<std::ptrdiff_t>(from), n, &record.weights.at(row, 0));
    record.before[row] =
        std::accumulate(seen.weights.begin(), seen.weights.begin() + static_cast<std::ptrdiff_t>(from), 0.0f);
    if (sink) record.sink.push_back(seen.sink);
    if (unmasked) {
      const Softmax all = softmax(scores, {0, to}, sink);
      std::copy_n(all.weights.begin() + static_cast<std::ptrdiff_t>(from), n, &record.unmasked.at(row, 0));
    }
  }
  return record;
}

// What is remembered of the window's tokens, for each head of keys.
void record_cache(const AttentionView& view, std::size_t from, std::size_t to, AttentionRecord& record) {
  const auto head_dim = static_cast<std::size_t>(view.spec.head_dim);
  for (std::size_t head = 0; head < static_cast<std::size_t>(view.spec.n_kv_heads); ++head) {
    Grid keys(to - from, head_dim), values(to - from, head_dim);
    for (std::size_t row = 0; row < to - from; ++row) {
      for (std::size_t i = 0; i < head_dim; ++i) {
        keys.at(row, i) = view.cache.key(head, from + row, i);
        values.at(row, i) = view.cache.value(head, from + row, i);
      }
    }
    record.keys.push_back(std::move(keys));
    record.values.push_back(std::move(values));
  }
}

std::vector<float> last_row(RowsView x) {
  const auto row = x[x.rows - 1];
  return {row.begin(), row.end()};
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
  out_.layers.assign(visits_.size(), {});
  out_.hidden.clear();
}

void Recorder::embedded(RowsView x) {
  out_.embedded = lengths(x, 1);
  out_.hidden.push_back(copy(x));
}

void Recorder::looked_back(std::size_t i, const AttentionView& view) {
  AttentionRecord& record = out_.layers[i].attention.emplace();
  record.spec = view.spec;
  if (!(out_.parts & kAttention)) return;
  for (std::size_t head = 0; head < static_cast<std::size_t>(view.spec.n_heads); ++head) {
    record.heads.push_back(record_head(view, head, out_.from, out_.to, out_.without_mask));
  }
  record_cache(view, out_.from, out_.to, record);
}

void Recorder::gathered(std::size_t i, RowsView results) { out_.layers[i].attention->last_inputs = last_row(results); }

void Recorder::scanned(std::size_t i, const RecurrenceView* view) {
  if (view) out_.layers[i].memory = record_memory(*view, out_.from > 0);
}

void Recorder::mixed(std::size_t i, RowsView part) {
  out_.layers[i].mixer_part = lengths(part, spec_.layers[visits_[i].layer].residual_scale);
  out_.layers[i].last_mixed = last_row(part);
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

void Recorder::routed(std::size_t i, const Routing& routing) {
  const auto& spec = std::get<ExpertsSpec>(spec_.layers[visits_[i].layer].ffn);
  RoutingRecord record{.n_experts = static_cast<std::size_t>(spec.n_experts),
                       .n_active = static_cast<std::size_t>(spec.n_active),
                       .shared = spec.shared.has_value(),
                       .rows = std::vector<std::vector<ExpertChoice>>(out_.rows())};
  for (std::size_t expert = 0; expert < record.n_experts; ++expert) {
    for (std::size_t slot = routing.first_slots[expert]; slot < routing.first_slots[expert + 1]; ++slot) {
      record.rows[routing.rows[slot]].push_back({expert, routing.weights[slot]});
    }
  }
  out_.layers[i].routing = std::move(record);
}

void Recorder::fed(std::size_t i, RowsView part) {
  out_.layers[i].feed_part = lengths(part, spec_.layers[visits_[i].layer].residual_scale);
  out_.layers[i].last_fed = last_row(part);
}

void Recorder::passed(std::size_t i, RowsView x) {
  out_.layers[i].residual = lengths(x, 1);
  out_.hidden.push_back(copy(x));
}

void Recorder::looped(std::size_t loop, std::span<const float> logits, RowsView x, std::span<const float> lambdas) {
  if (loop == 1) out_.loops.clear();
  out_.loops.push_back(loop_reader_.read(loop, logits, x, lambdas));
}

void Recorder::finished(std::span<const float> logits) {
  out_.logits = Grid(out_.rows(), out_.vocab_size);
  std::copy(logits.begin(), logits.end(), out_.logits.values.begin());
}

}  // namespace continuo::explain
