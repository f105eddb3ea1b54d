#include <algorithm>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kShown = 4;  // guesses of a cell

double agreement(const Recording& r, std::size_t layer) {
  const auto& ranks = r.layers[layer].final_rank;
  return double(std::count(ranks.begin(), ranks.end(), 0u)) / double(ranks.size());
}

// The first layer whose guess is the last layer's.
std::size_t first_leading(const Recording& r, std::size_t row) {
  std::size_t layer = 0;
  while (layer < r.layers.size() && r.layers[layer].final_rank[row] != 0) ++layer;
  return layer;
}

CellGrid grid(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  CellGrid out{.caption = words("lens.grid"),
               .row_title = words("layer"),
               .row_labels = {},
               .col_labels = token_labels(r),
               .cells = {},
               .col_facts = {}};
  for (std::size_t row = 0; row < r.rows(); ++row) {
    out.col_facts.push_back({{words("lens.final"), name(r, r.layers.back().lens[row].front().id)}});
    const std::size_t leads = first_leading(r, row);
    if (leads < r.layers.size()) out.col_facts.back().emplace_back(words("lens.first"), std::to_string(leads));
  }
  // The last layer on top, as thinking is drawn.
  for (std::size_t i = r.layers.size(); i-- > 0;) {
    const LayerRecord& layer = r.layers[i];
    out.row_labels.push_back(std::to_string(i));
    for (std::size_t row = 0; row < r.rows(); ++row) {
      const Guess& best = layer.lens[row].front();
      CellGrid::Cell cell{
          .text = name(r, best.id), .shade = best.probability, .marked = layer.final_rank[row] == 0, .facts = {}};
      for (std::size_t k = 0; k < std::min(kShown, layer.lens[row].size()); ++k) {
        const Guess& guess = layer.lens[row][k];
        cell.facts.emplace_back(name(r, guess.id), percent(guess.probability));
      }
      cell.facts.emplace_back(words("lens.rank"), std::to_string(layer.final_rank[row] + 1));
      out.cells.push_back(std::move(cell));
    }
  }
  return out;
}

// The least layer by which the final choice has led for half of the rows.
Paragraph finding(const View& view) {
  const Recording& r = view.recording;
  std::vector<std::size_t> first;
  for (std::size_t row = 0; row < r.rows(); ++row) first.push_back(first_leading(r, row));
  std::sort(first.begin(), first.end());
  const std::size_t half = std::min(first[(first.size() - 1) / 2], r.layers.size() - 1);
  const auto& ranks = r.layers[half].final_rank;
  const auto others =
      static_cast<std::size_t>(std::count_if(ranks.begin(), ranks.end(), [](std::size_t rank) { return rank > 0; }));
  // As many layers as keep nine of ten choices.
  std::size_t needed = 1;
  while (needed < r.layers.size() && agreement(r, needed - 1) < 0.9) ++needed;
  return {view.words("lens.finding", half, others, ranks.size(), needed), Paragraph::Kind::finding};
}

}  // namespace

std::vector<Figure> draw_lens(const View& view) {
  const Recording& r = view.recording;
  if (r.layers.empty() || r.layers.front().lens.empty())
    return {Paragraph{view.words("lens.absent"), Paragraph::Kind::absent}};
  Bars bars{.caption = view.words("lens.agree"), .bars = {}};
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    const double share = agreement(r, i);
    bars.bars.push_back({.label = view.words("layer.n", i), .value = share, .shown = percent(share), .note = ""});
  }
  return {finding(view), grid(view), std::move(bars)};
}

}  // namespace continuo::explain
