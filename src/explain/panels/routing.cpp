#include <algorithm>
#include <set>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

// Experts of one layer by token: the router's weight.
Heatmap choices(const View& view, std::size_t layer) {
  const RoutingRecord& routing = *view.recording.layers[layer].routing;
  Heatmap map{.caption = view.words("routing.choices", layer),
              .row_title = view.words("routing.expert"),
              .col_title = view.words("token"),
              .row_labels = numbers(routing.n_experts),
              .col_labels = token_labels(view.recording),
              .values = Grid(routing.n_experts, routing.rows.size())};
  for (std::size_t row = 0; row < routing.rows.size(); ++row) {
    for (const ExpertChoice& choice : routing.rows[row]) map.values.at(choice.expert, row) = choice.weight;
  }
  return map;
}

// How many of the tokens each expert of each layer got.
Heatmap usage(const View& view, const std::vector<std::size_t>& layers) {
  std::size_t most = 0;
  for (const std::size_t layer : layers) most = std::max(most, view.recording.layers[layer].routing->n_experts);
  Heatmap map{.caption = view.words("routing.usage"),
              .row_title = view.words("layer"),
              .col_title = view.words("routing.expert"),
              .row_labels = {},
              .col_labels = numbers(most),
              .values = Grid(layers.size(), most)};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    map.row_labels.push_back(std::to_string(layers[i]));
    for (const auto& row : view.recording.layers[layers[i]].routing->rows) {
      for (const ExpertChoice& choice : row) map.values.at(i, choice.expert) += 1;
    }
  }
  return map;
}

Table by_token(const View& view, std::size_t layer) {
  const RoutingRecord& routing = *view.recording.layers[layer].routing;
  const Words& words = view.words;
  Table table{.caption = words("routing.by_token", layer),
              .head = {words("position"), words("token"), words("routing.experts")},
              .rows = {},
              .numeric = {true, false, false},
              .positions = {}};
  const auto labels = token_labels(view.recording);
  for (std::size_t row = 0; row < routing.rows.size(); ++row) {
    std::vector<ExpertChoice> best = routing.rows[row];
    std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.weight > b.weight; });
    std::string cell;
    for (const ExpertChoice& choice : best)
      cell += fmt::format("{}{}: {}", cell.empty() ? "" : ", ", choice.expert, three_digits(choice.weight));
    table.rows.push_back({std::to_string(view.recording.from + row), labels[row], cell});
    table.positions.push_back(view.recording.from + row);
  }
  return table;
}

}  // namespace

std::vector<Figure> draw_routing(const View& view) {
  const Recording& r = view.recording;
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (r.layers[i].routing) layers.push_back(i);
  }
  if (layers.empty()) return {Paragraph{view.words("routing.absent"), Paragraph::Kind::absent}};
  const bool chosen = view.layer < r.layers.size() && r.layers[view.layer].routing;
  const std::size_t layer = chosen ? view.layer : layers.front();
  const RoutingRecord& routing = *r.layers[layer].routing;
  std::set<std::size_t> used;
  for (const auto& row : routing.rows) {
    for (const ExpertChoice& choice : row) used.insert(choice.expert);
  }
  std::vector<Figure> figures = {
      Paragraph{view.words("routing.finding", routing.n_active, routing.n_experts, layer, used.size()),
                Paragraph::Kind::finding}};
  if (routing.shared) figures.emplace_back(Paragraph{view.words("routing.shared")});
  figures.emplace_back(choices(view, layer));
  figures.emplace_back(usage(view, layers));
  figures.emplace_back(by_token(view, layer));
  return figures;
}

}  // namespace continuo::explain
