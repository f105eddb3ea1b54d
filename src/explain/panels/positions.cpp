#include <algorithm>
#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kNumbersShown = 32;  // of a position's vector
constexpr std::size_t kPairsShown = 32;    // of a rope's pairs
constexpr std::size_t kDistances = 16;

// Rows that are added, learned or from a formula.
void draw_rows(const View& view, std::string_view sentence, std::vector<Figure>& figures) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const Grid& rows = r.positions.rows;
  const auto positions = numbers(r.rows(), r.from);
  figures.emplace_back(Paragraph{words(sentence)});
  figures.emplace_back(Heatmap{.caption = words("positions.learned.cosines"),
                               .row_title = words("position"),
                               .col_title = words("position"),
                               .row_labels = positions,
                               .col_labels = positions,
                               .values = r.positions.cosines,
                               .scale = Heatmap::Scale::diverging});
  Grid some(rows.rows, std::min(kNumbersShown, rows.cols));
  for (std::size_t i = 0; i < some.rows; ++i) {
    for (std::size_t j = 0; j < some.cols; ++j) some.at(i, j) = rows.at(i, j);
  }
  const std::size_t shown = some.cols;
  figures.emplace_back(Heatmap{.caption = words("positions.learned.rows", shown),
                               .row_title = words("position"),
                               .col_title = "",
                               .row_labels = positions,
                               .col_labels = numbers(shown),
                               .values = std::move(some),
                               .scale = Heatmap::Scale::diverging});
}

void draw_rope(const View& view, std::vector<Figure>& figures) {
  const PositionRecord& p = view.recording.positions;
  const Words& words = view.words;
  figures.emplace_back(Paragraph{words("positions.rope", p.theta)});
  // Every pair, or as many as can be told apart, evenly chosen.
  const std::size_t shown = std::min(kPairsShown, p.turns.size());
  std::vector<std::string> pairs, distances;
  Grid cosines(kDistances, shown);
  for (std::size_t k = 0; k < shown; ++k) pairs.push_back(std::to_string(k * p.turns.size() / shown));
  for (std::size_t distance = 0; distance < kDistances; ++distance) {
    distances.push_back(std::to_string(distance));
    for (std::size_t k = 0; k < shown; ++k) {
      cosines.at(distance, k) =
          static_cast<float>(std::cos(double(distance) * double(p.turns[k * p.turns.size() / shown])));
    }
  }
  figures.emplace_back(Heatmap{.caption = words("positions.rope.figure"),
                               .row_title = words("positions.distance"),
                               .col_title = words("positions.pair"),
                               .row_labels = std::move(distances),
                               .col_labels = std::move(pairs),
                               .values = std::move(cosines),
                               .scale = Heatmap::Scale::diverging});
  if (p.layers_without.empty()) return;
  std::string layers;
  for (const std::size_t layer : p.layers_without) layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
  figures.emplace_back(Paragraph{words("positions.rope.without", layers)});
}

void draw_alibi(const View& view, std::vector<Figure>& figures) {
  const Words& words = view.words;
  figures.emplace_back(Paragraph{words("positions.alibi")});
  Bars bars{.caption = words("positions.alibi.figure"), .bars = {}};
  const auto& slopes = view.recording.positions.slopes;
  for (std::size_t head = 0; head < slopes.size(); ++head) {
    bars.bars.push_back({.label = words("head") + " " + std::to_string(head),
                         .value = slopes[head],
                         .shown = three_digits(slopes[head]),
                         .note = ""});
  }
  figures.emplace_back(std::move(bars));
}

}  // namespace

std::vector<Figure> draw_positions(const View& view) {
  std::vector<Figure> figures;
  switch (view.recording.positions.kind) {
    case PositionKind::learned:
      draw_rows(view, "positions.learned", figures);
      break;
    case PositionKind::sinusoidal:
      draw_rows(view, "positions.sinusoidal", figures);
      break;
    case PositionKind::rope:
      draw_rope(view, figures);
      break;
    case PositionKind::alibi:
      draw_alibi(view, figures);
      break;
    case PositionKind::none:
      figures.emplace_back(Paragraph{view.words("positions.none"), Paragraph::Kind::absent});
      break;
  }
  return figures;
}

}  // namespace continuo::explain
