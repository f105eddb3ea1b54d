#include <algorithm>
#include <numeric>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

double mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Heatmap residual(const View& view) {
  const Recording& r = view.recording;
  Heatmap map{.caption = view.words("stack.residual"),
              .row_title = view.words("layer"),
              .col_title = view.words("token"),
              .row_labels = {view.words("input")},
              .col_labels = token_labels(r),
              .values = Grid(r.layers.size() + 1, r.rows()),
              .scale = Heatmap::Scale::logarithmic};
  for (std::size_t j = 0; j < r.rows(); ++j) map.values.at(0, j) = r.embedded[j];
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    map.row_labels.push_back(std::to_string(i));
    for (std::size_t j = 0; j < r.rows(); ++j) map.values.at(i + 1, j) = r.layers[i].residual[j];
  }
  return map;
}

// What a layer's mixer is called.
std::string_view mixer_key(const LayerRecord& layer) {
  if (!layer.memory) return "stack.attention";
  return layer.attention ? "stack.both" : "stack.memory";
}

Bars parts(const View& view) {
  const Recording& r = view.recording;
  Bars bars{.caption = view.words("stack.parts"), .bars = {}};
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    const auto add = [&](std::string_view key, const std::vector<float>& lengths) {
      if (lengths.empty()) return;  // the block does not have that part
      const double value = mean(lengths);
      bars.bars.push_back({.label = fmt::format("{} · {}", i, view.words(key)),
                           .value = value,
                           .shown = three_digits(value),
                           .note = ""});
    };
    add(mixer_key(r.layers[i]), r.layers[i].mixer_part);
    add("stack.feed", r.layers[i].feed_part);
  }
  return bars;
}

Paragraph finding(const View& view) {
  const Recording& r = view.recording;
  struct Part {
    double length;
    std::string_view key;
    std::size_t layer;
  };
  std::vector<Part> all;
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    const LayerRecord& layer = r.layers[i];
    if (!layer.mixer_part.empty()) all.push_back({mean(layer.mixer_part), mixer_key(layer), i});
    if (!layer.feed_part.empty()) all.push_back({mean(layer.feed_part), "stack.feed", i});
  }
  const auto [least, most] =
      std::minmax_element(all.begin(), all.end(), [](const Part& a, const Part& b) { return a.length < b.length; });
  return {view.words("stack.finding", view.words(most->key), most->layer, view.words(least->key), least->layer),
          Paragraph::Kind::finding};
}

Table neurons(const View& view) {
  const Recording& r = view.recording;
  Table table{.caption = view.words("stack.neurons"),
              .head = {view.words("layer"), view.words("stack.neurons.cell"), view.words("stack.positive")},
              .rows = {},
              .numeric = {true, false, true},
              .positions = {}};
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (r.layers[i].neurons.empty()) continue;
    std::string cells;
    for (const Neuron& neuron : r.layers[i].neurons.back()) {
      cells += fmt::format("{}{}: {}", cells.empty() ? "" : ", ", neuron.index, three_digits(neuron.activation));
    }
    table.rows.push_back({std::to_string(i), cells, percent(r.layers[i].positive)});
  }
  return table;
}

}  // namespace

std::vector<Figure> draw_stack(const View& view) {
  const Recording& r = view.recording;
  std::vector<Figure> figures = {finding(view), residual(view), parts(view)};
  if (Table table = neurons(view); !table.rows.empty()) figures.emplace_back(std::move(table));
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (!r.layers[i].neurons.empty() || r.layers[i].feed_part.empty()) continue;
    figures.emplace_back(Paragraph{view.words("stack.neurons.absent", i), Paragraph::Kind::absent});
    break;
  }
  return figures;
}

}  // namespace continuo::explain
