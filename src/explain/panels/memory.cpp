#include <algorithm>
#include <cmath>
#include <set>

#include "explain/memory_record.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::string tokens_text(const View& view, std::optional<double> tokens) {
  return tokens ? view.words("memory.tokens", three_digits(*tokens)) : view.words("memory.never");
}

std::string unit_name(const View& view, const MemoryRecord& memory, const UnitRecord& unit) {
  if (!unit.index) return view.words("memory.mean");
  return view.words(memory.heads ? "memory.head" : "memory.channel", *unit.index);
}

std::vector<std::string> unit_names(const View& view, const MemoryRecord& memory) {
  std::vector<std::string> names;
  for (const UnitRecord& unit : memory.units) names.push_back(unit_name(view, memory, unit));
  return names;
}

// Mean shares of the sizes of a row's weights, over the rows after the first.
struct Shares {
  double own = 0, previous = 0, negative = 0;
};

Shares shares_of(const Grid& weights) {
  Shares shares;
  double rows = 0;
  for (std::size_t i = 1; i < weights.rows; ++i) {
    double whole = 0, negative = 0;
    for (std::size_t j = 0; j <= i; ++j) {
      whole += std::fabs(double(weights.at(i, j)));
      if (weights.at(i, j) < 0) negative -= weights.at(i, j);
    }
    if (!(whole > 0)) continue;
    shares.own += std::fabs(double(weights.at(i, i))) / whole;
    shares.previous += std::fabs(double(weights.at(i, i - 1))) / whole;
    shares.negative += negative / whole;
    ++rows;
  }
  if (rows > 0) shares = {shares.own / rows, shares.previous / rows, shares.negative / rows};
  return shares;
}

std::vector<std::pair<std::string, std::string>> facts_of(const View& view, const MemoryRecord& memory,
                                                          const UnitRecord& unit) {
  const Words& words = view.words;
  const Shares shares = shares_of(unit.weights);
  std::vector<std::pair<std::string, std::string>> facts = {{words("memory.fact.own"), percent(shares.own)},
                                                            {words("memory.fact.previous"), percent(shares.previous)}};
  facts.emplace_back(words("memory.fact.negative"), unit.index ? percent(shares.negative) : words("none"));
  facts.emplace_back(words("memory.half_life"), memory.fades ? tokens_text(view, half_life(mean_decay(unit)))
                                                             : words("memory.tokens", memory.key_dim));
  return facts;
}

MemoryMaps maps_of(const View& view, std::size_t large) {
  const Recording& r = view.recording;
  MemoryMaps maps{.labels = token_labels(r), .units = {}, .first = r.from};
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (!r.layers[i].memory) continue;
    const MemoryRecord& memory = *r.layers[i].memory;
    const std::size_t wanted = std::min(view.head, memory.units.size() - 1);
    if (i == large) maps.chosen = maps.units.size() + wanted;
    for (const UnitRecord& unit : memory.units) {
      const std::string name = unit_name(view, memory, unit);
      maps.units.push_back({i, name, view.words("memory.large", i, name), &unit.weights, facts_of(view, memory, unit)});
    }
  }
  return maps;
}

Heatmap over_text(const View& view, std::size_t layer, std::string_view caption,
                  float (*value)(const UnitRecord& unit, std::size_t row)) {
  const Recording& r = view.recording;
  const MemoryRecord& memory = *r.layers[layer].memory;
  Heatmap map{.caption = view.words(caption, layer),
              .row_title = "",
              .col_title = view.words("token"),
              .row_labels = unit_names(view, memory),
              .col_labels = token_labels(r),
              .values = Grid(memory.units.size(), r.rows())};
  for (std::size_t i = 0; i < memory.units.size(); ++i) {
    for (std::size_t j = 0; j < r.rows(); ++j) map.values.at(i, j) = value(memory.units[i], j);
  }
  return map;
}

float share_written(const UnitRecord& unit, std::size_t row) {
  const float whole = unit.carried[row] + unit.written[row];
  return whole > 0 ? unit.written[row] / whole : 0;
}

float share_of_longest(const UnitRecord& unit, std::size_t row) {
  const float longest = *std::max_element(unit.state.begin(), unit.state.end());
  return longest > 0 ? unit.state[row] / longest : 0;
}

// Shortest, middle and longest half-life of a layer's units.
Table half_lives(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Table table{.caption = words("memory.half_lives"),
              .head = {words("layer"), words("memory.units"), words("memory.shortest"), words("memory.middle"),
                       words("memory.longest"), words("memory.state")},
              .rows = {},
              .numeric = {true, true, true, true, true, true},
              .positions = {}};
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (!r.layers[i].memory || !r.layers[i].memory->fades) continue;
    const MemoryRecord& memory = *r.layers[i].memory;
    std::vector<double> decays;
    for (const UnitRecord& unit : memory.units) {
      if (unit.index) decays.push_back(mean_decay(unit));
    }
    std::sort(decays.begin(), decays.end(), std::greater<>());
    const std::size_t size = memory.key_dim * memory.value_dim;
    table.rows.push_back({std::to_string(i), std::to_string(memory.n_units),
                          tokens_text(view, half_life(decays.front())),
                          tokens_text(view, half_life(decays[decays.size() / 2])),
                          tokens_text(view, half_life(decays.back())), fmt::format("{} × {}", memory.n_units, size)});
  }
  return table;
}

// One sentence for each kind of mixer.
void describe_kinds(const View& view, std::vector<Figure>& figures) {
  std::set<std::string> told;
  for (const LayerRecord& layer : view.recording.layers) {
    if (!layer.memory || !told.insert(layer.memory->kind).second) continue;
    figures.emplace_back(Paragraph{view.words("memory.kind." + layer.memory->kind, layer.memory->key_dim)});
  }
}

}  // namespace

std::vector<Figure> draw_memory(const View& view) {
  const Recording& r = view.recording;
  const auto has_memory = [](const LayerRecord& layer) { return layer.memory.has_value(); };
  const auto n_layers = std::count_if(r.layers.begin(), r.layers.end(), has_memory);
  if (n_layers == 0) return {Paragraph{view.words("memory.absent"), Paragraph::Kind::absent}};
  std::vector<Figure> figures = {
      Paragraph{view.words("memory.finding", n_layers, r.layers.size(), bytes_text(double(r.cost.state_bytes))),
                Paragraph::Kind::finding}};
  describe_kinds(view, figures);
  const auto first =
      static_cast<std::size_t>(std::find_if(r.layers.begin(), r.layers.end(), has_memory) - r.layers.begin());
  const std::size_t large = r.layers[view.layer].memory ? view.layer : first;
  figures.emplace_back(maps_of(view, large));
  figures.emplace_back(over_text(view, large, "memory.written", share_written));
  figures.emplace_back(over_text(view, large, "memory.forgotten", [](const UnitRecord& unit, std::size_t row) {
    return std::max(unit.forgotten[row], 0.0f);
  }));
  figures.emplace_back(over_text(view, large, "memory.length", share_of_longest));
  if (Table table = half_lives(view); !table.rows.empty()) figures.emplace_back(std::move(table));
  return figures;
}

}  // namespace continuo::explain
