#include <algorithm>
#include <cmath>
#include <optional>

#include "explain/canvases.h"
#include "explain/markup.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

// Colours of the printed page.
struct Rgb {
  int r, g, b;
};
constexpr Rgb kPaper{255, 255, 255}, kHigh{31, 95, 174}, kLow{180, 80, 42};
constexpr std::string_view kInk = "#23262d", kSoft = "#626874", kLine = "#d9d6cd", kMark = "#e8a317";
constexpr std::string_view kLines[] = {"#23262d", "#b4502a", "#1f5fae", "#e8a317", "#5b8c3a"};
constexpr double kFont = 11;

// `share` from -1 to 1.
std::string colour(double share) {
  const Rgb to = share < 0 ? kLow : kHigh;
  const double s = std::min(1.0, std::fabs(share));
  const auto mix = [&](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * s)); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(kPaper.r, to.r), mix(kPaper.g, to.g), mix(kPaper.b, to.b));
}

// A drawing that grows with what is put into it.
class Drawing {
 public:
  void rect(double x, double y, double w, double h, std::string_view fill, std::string_view title = {}) {
    body_ +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"", x, y, w, h, fill);
    body_ += title.empty() ? "/>\n" : fmt::format("><title>{}</title></rect>\n", escaped_markup(title));
    reach(x + w, y + h);
  }
  // `anchor`: start, middle, end.
  void text(double x, double y, std::string_view text, std::string_view anchor = "start",
            std::string_view fill = kInk) {
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, anchor,
                         fill, escaped_markup(text));
    reach(x + (anchor == "start" ? text_width(text) : 0), y + 4);
  }
  void upright(double x, double y, std::string_view text) {
    body_ += fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" fill=\"{}\">{}</text>\n", x, y,
                         kSoft, escaped_markup(text));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view stroke) {
    body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
                         y2, stroke);
    reach(std::max(x1, x2), std::max(y1, y2));
  }
  void path(std::string_view d, std::string_view stroke) {
    body_ += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", d, stroke);
  }
  // The caption above everything; returns where the figure begins.
  double caption(std::string_view caption) {
    if (caption.empty()) return 8;
    text(8, 18, caption, "start", kSoft);
    return 30;
  }
  static double text_width(std::string_view text) { return 0.6 * kFont * static_cast<double>(width(text)); }

  std::string finish() const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
        "height=\"{1:.0f}\" font-family=\"system-ui, 'Noto Sans', 'Noto Sans CJK TC', sans-serif\" font-size=\"{2}\">\n"
        "{3}</svg>\n",
        width_ + 8, height_ + 8, kFont, body_);
  }

 private:
  void reach(double x, double y) {
    width_ = std::max(width_, x);
    height_ = std::max(height_, y);
  }
  double width_ = 0, height_ = 0;
  std::string body_;
};

double longest(const std::vector<std::string>& labels) {
  double most = 0;
  for (const std::string& label : labels) most = std::max(most, Drawing::text_width(label));
  return std::min(most, 110.0);
}

std::string label_of(const std::string& label) { return fit(label, 16); }

struct MatrixPicture {
  const std::vector<std::string>&rows, &cols;
  double cell;
};

// share(i, j): the colour's, or nothing for a cell that is left out; title(i, j): what a viewer tells on
// hovering.
template <class Share, class Title>
void matrix(Drawing& out, double y, const MatrixPicture& m, Share share, Title title) {
  const double left = 8 + longest(m.rows) + 6, top = y + longest(m.cols) + 6;
  for (std::size_t j = 0; j < m.cols.size(); ++j)
    out.upright(left + (double(j) + 0.5) * m.cell + 4, top - 4, label_of(m.cols[j]));
  for (std::size_t i = 0; i < m.rows.size(); ++i) {
    const double at = top + double(i) * m.cell;
    out.text(left - 6, at + m.cell / 2 + 4, label_of(m.rows[i]), "end", kSoft);
    for (std::size_t j = 0; j < m.cols.size(); ++j) {
      const std::optional<double> s = share(i, j);
      if (s) out.rect(left + double(j) * m.cell, at, m.cell - 1, m.cell - 1, colour(*s), title(i, j));
    }
  }
}

// ---- one function a kind of figure; nothing for what is no picture ----

using Pictures = std::vector<std::string>;

Pictures pictures(const Paragraph&, const Words&) { return {}; }
Pictures pictures(const Table&, const Words&) { return {}; }
Pictures pictures(const Steps&, const Words&) { return {}; }
Pictures pictures(const SamplerFigure&, const Words&) { return {}; }
Pictures pictures(const LoopFigure&, const Words&) { return {}; }
Pictures pictures(const SwitchesFigure&, const Words&) { return {}; }

Pictures pictures(const Strip& strip, const Words&) {
  constexpr double kWidest = 640;
  Drawing out;
  double x = 8, y = 8;
  for (std::size_t i = 0; i < strip.tokens.size(); ++i) {
    const Strip::Token& token = strip.tokens[i];
    const double w = std::max(Drawing::text_width(token.label), Drawing::text_width(std::to_string(token.id))) + 10;
    if (x > 8 && x + w > kWidest) x = 8, y += 40;
    out.rect(x, y, w - 2, 20, token.special ? "#f1efe9" : i % 2 ? "#f6e8e1" : "#e6eef8");
    out.text(x + (w - 2) / 2, y + 14, token.label, "middle");
    out.text(x + (w - 2) / 2, y + 31, std::to_string(token.id), "middle", kSoft);
    x += w;
  }
  return {out.finish()};
}

Pictures pictures(const Bars& bars, const Words&) {
  constexpr double kLength = 320, kRow = 18;
  Drawing out;
  const double top = out.caption(bars.caption);
  double largest = 0, left = 0;
  for (const Bars::Bar& bar : bars.bars) {
    largest = std::max(largest, std::fabs(bar.value));
    left = std::max(left, std::min(160.0, Drawing::text_width(bar.label)));
  }
  for (std::size_t i = 0; i < bars.bars.size(); ++i) {
    const Bars::Bar& bar = bars.bars[i];
    const double y = top + double(i) * kRow, w = largest > 0 ? kLength * std::fabs(bar.value) / largest : 0;
    out.text(8 + left, y + 12, fit(bar.label, 24), "end");
    out.rect(14 + left, y + 2, w, kRow - 6, bar.marked ? kMark : colour(bar.value < 0 ? -0.85 : 0.85));
    out.text(20 + left + w, y + 12, bar.shown, "start", kSoft);
  }
  return {out.finish()};
}

Pictures pictures(const Heatmap& map, const Words&) {
  Drawing out;
  const double top = out.caption(map.caption);
  const Heatmap::Extremes extremes = map.extremes();
  matrix(
      out, top, {map.row_labels, map.col_labels, 14},
      [&](std::size_t i, std::size_t j) { return std::optional(map.shade(map.values.at(i, j), extremes)); },
      [&](std::size_t i, std::size_t j) { return three_digits(map.values.at(i, j)); });
  return {out.finish()};
}

// Each path one line of text, further right by its depth.
Pictures pictures(const TreeFigure& tree, const Words&) {
  constexpr double kRow = 18, kIndent = 22, kLongest = 60;
  Drawing out;
  double y = out.caption(tree.caption);
  out.text(8, y + 12, tree.root);
  std::vector<std::vector<std::size_t>> children(tree.nodes.size() + 1);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i)
    children[tree.nodes[i].parent.value_or(tree.nodes.size())].push_back(i);
  const auto branch = [&](const auto& again, std::size_t node, double x) -> void {
    for (const std::size_t child : children[node]) {
      y += kRow;
      const TreeFigure::Node& one = tree.nodes[child];
      out.rect(x, y + 4, std::max(1.0, kLongest * one.probability), 10, colour(0.4));
      out.text(x + kLongest + 6, y + 13, one.label + "  " + one.shown);
      again(again, child, x + kIndent);
    }
  };
  branch(branch, tree.nodes.size(), 8 + kIndent);
  return {out.finish()};
}

Pictures pictures(const CellGrid& grid, const Words&) {
  constexpr double kCell = 62, kRow = 18;
  Drawing out;
  const double top = out.caption(grid.caption) + 14, left = 8 + longest(grid.row_labels) + 8;
  const std::size_t cols = grid.col_labels.size();
  for (std::size_t j = 0; j < cols; ++j)
    out.text(left + double(j) * kCell + 4, top - 4, fit(grid.col_labels[j], 9), "start", kSoft);
  for (std::size_t i = 0; i < grid.row_labels.size(); ++i) {
    const double y = top + double(i) * kRow;
    out.text(left - 6, y + 12, grid.row_labels[i], "end", kSoft);
    for (std::size_t j = 0; j < cols; ++j) {
      const CellGrid::Cell& cell = grid.cells[i * cols + j];
      const double shade = 0.9 * std::sqrt(double(cell.shade)), x = left + double(j) * kCell;
      out.rect(x, y, kCell - 2, kRow - 2, colour(shade), cell.text + " " + percent(cell.shade));
      if (cell.marked) out.rect(x, y + kRow - 4, kCell - 2, 2, kMark);
      out.text(x + 4, y + 12, fit(cell.text, 8), "start", shade > 0.55 ? "#ffffff" : kInk);
    }
  }
  return {out.finish()};
}

// Logarithmic axes from the least to the largest value.
struct Axis {
  double least = INFINITY, most = -INFINITY, from, to;
  void add(double value) {
    least = std::min(least, std::log10(value));
    most = std::max(most, std::log10(value));
  }
  double operator()(double value) const {
    return from + (std::log10(value) - least) / std::max(most - least, 1e-9) * (to - from);
  }
};

Pictures pictures(const Curves& curves, const Words&) {
  Drawing out;
  const double top = out.caption(curves.caption);
  Axis x{.from = 64, .to = 500}, y{.from = top + 250, .to = top};
  for (const Curves::Line& line : curves.lines) {
    for (const auto& [px, py] : line.points) {
      x.add(px);
      y.add(py);
    }
    for (const auto& [px, seconds] : line.dots) y.add(seconds * curves.rate);
  }
  for (const auto& [px, py] : curves.lines.front().points) {
    out.line(x(px), y.from, x(px), y.to, kLine);
    out.text(x(px), y.from + 14, std::to_string(static_cast<std::size_t>(px)), "middle", kSoft);
  }
  for (int e = static_cast<int>(std::ceil(y.least)); e <= y.most; ++e) {
    const double at = y(std::pow(10.0, e));
    out.line(x.from, at, x.to, at, kLine);
    out.text(x.from - 6, at + 4, count_text(std::pow(10.0, e)), "end", kSoft);
  }
  out.text((x.from + x.to) / 2, y.from + 30, curves.x_title, "middle", kSoft);
  for (std::size_t i = 0; i < curves.lines.size(); ++i) {
    const Curves::Line& line = curves.lines[i];
    const std::string_view ink = kLines[i % std::size(kLines)];
    std::string d;
    for (const auto& [px, py] : line.points) d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? 'M' : 'L', x(px), y(py));
    out.path(d, ink);
    for (const auto& [px, seconds] : line.dots) {
      const double at = y(seconds * curves.rate);
      out.rect(x(px) - 3, at - 3, 6, 6, ink, line.name + " " + seconds_text(seconds));
    }
    out.rect(x.to + 16, top + 18 * double(i), 14, 4, ink);
    out.text(x.to + 36, top + 6 + 18 * double(i), line.name);
  }
  return {out.finish()};
}

double weight_of(const AttentionMaps& maps, const HeadRecord& head, std::size_t i, std::size_t j) {
  return maps.without_mask ? head.unmasked.at(i, j) : head.weights.at(i, j);
}

std::string all_heads(const AttentionMaps& maps, const Words& words) {
  constexpr double kPicture = 64, kGap = 8;
  Drawing out;
  double y = out.caption(maps.without_mask ? words("attention.unmasked") : words("attention.all")) + 14, x = 8;
  const double cell = kPicture / double(maps.labels.size());
  for (std::size_t h = 0; h < maps.heads.size(); ++h) {
    const AttentionMaps::Head& head = maps.heads[h];
    if (h > 0 && head.layer != maps.heads[h - 1].layer) x = 8, y += kPicture + 3 * kGap;
    out.text(x, y - 4, fmt::format("{}.{}", head.layer, head.head), "start", kSoft);
    out.rect(x, y, kPicture, kPicture, "#f7f6f2");
    for (std::size_t i = 0; i < maps.labels.size(); ++i) {
      for (std::size_t j = 0; j < maps.labels.size(); ++j) {
        const double weight = weight_of(maps, *head.record, i, j);
        if (weight >= 0.005)
          out.rect(x + double(j) * cell, y + double(i) * cell, cell, cell, colour(std::sqrt(weight)));
      }
    }
    x += kPicture + kGap;
  }
  return out.finish();
}

Pictures pictures(const AttentionMaps& maps, const Words& words) {
  const AttentionMaps::Head& head = maps.heads[maps.chosen];
  const auto large = [&](std::string_view key, auto share, auto number) {
    Drawing out;
    const double top = out.caption(words("attention.large", head.layer, head.head) + ": " + words(key));
    matrix(out, top, {maps.labels, maps.labels, 18}, share, number);
    return out.finish();
  };
  const Grid& scores = head.record->scores;
  double largest = 1e-9;
  for (const float score : scores.values) largest = std::max(largest, std::fabs(double(score)));
  Pictures out = {all_heads(maps, words)};
  out.push_back(large(
      "attention.scores",
      [&](std::size_t i, std::size_t j) { return std::optional(double(scores.at(i, j)) / largest); },
      [&](std::size_t i, std::size_t j) { return three_digits(scores.at(i, j)); }));
  out.push_back(large(
      maps.without_mask ? "attention.unmasked" : "attention.weights",
      [&](std::size_t i, std::size_t j) {
        const bool masked = !maps.without_mask && !maps.both_sides && j > i;
        return masked ? std::nullopt : std::optional(std::sqrt(weight_of(maps, *head.record, i, j)));
      },
      [&](std::size_t i, std::size_t j) { return three_digits(weight_of(maps, *head.record, i, j)); }));
  return out;
}

double largest_size(const Grid& grid) {
  double largest = 1e-30;
  for (const float value : grid.values) largest = std::max(largest, std::fabs(double(value)));
  return largest;
}

// Of a share of the largest, of either sign: small ones show.
double lifted(double share) { return std::copysign(std::sqrt(std::fabs(share)), share); }

std::string all_units(const MemoryMaps& maps, const Words& words) {
  constexpr double kPicture = 64, kGap = 8;
  Drawing out;
  double y = out.caption(words("memory.all")) + 14, x = 8;
  const double cell = kPicture / double(maps.labels.size());
  for (std::size_t u = 0; u < maps.units.size(); ++u) {
    const MemoryMaps::Unit& unit = maps.units[u];
    if (u > 0 && unit.layer != maps.units[u - 1].layer) x = 8, y += kPicture + 3 * kGap;
    out.text(x, y - 4, fit(fmt::format("{} {}", unit.layer, unit.name), 12), "start", kSoft);
    out.rect(x, y, kPicture, kPicture, "#f7f6f2");
    const double largest = largest_size(*unit.weights);
    for (std::size_t i = 0; i < maps.labels.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const double share = double(unit.weights->at(i, j)) / largest;
        if (std::fabs(share) >= 0.005)
          out.rect(x + double(j) * cell, y + double(i) * cell, cell, cell, colour(lifted(share)));
      }
    }
    x += kPicture + kGap;
  }
  return out.finish();
}

Pictures pictures(const MemoryMaps& maps, const Words& words) {
  const MemoryMaps::Unit& unit = maps.units[maps.chosen];
  Drawing out;
  const double top = out.caption(unit.title), largest = largest_size(*unit.weights);
  matrix(
      out, top, {maps.labels, maps.labels, 18},
      [&](std::size_t i, std::size_t j) {
        return j > i ? std::nullopt : std::optional(lifted(double(unit.weights->at(i, j)) / largest));
      },
      [&](std::size_t i, std::size_t j) { return three_digits(unit.weights->at(i, j)); });
  return {all_units(maps, words), out.finish()};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> draw_svgs(std::span<const Panel> panels_to_draw, const View& view) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const Panel& panel : panels_to_draw) {
    std::size_t number = 0;
    for (const Figure& figure : panel.draw(view)) {
      for (std::string& picture : std::visit([&](const auto& kind) { return pictures(kind, view.words); }, figure)) {
        files.emplace_back(fmt::format("{}-{}.svg", panel.name, ++number), std::move(picture));
      }
    }
  }
  return files;
}

}  // namespace continuo::explain
