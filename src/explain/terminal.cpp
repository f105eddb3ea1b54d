#include <algorithm>
#include <cmath>

#include "explain/canvases.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

// From nothing to full, in steps that any monospaced font has.
constexpr std::string_view kShades[] = {" ", "·", "░", "▒", "▓", "█"};
constexpr std::string_view kNegative[] = {" ", "·", "-", "=", "x", "X"};
constexpr std::size_t kLevels = std::size(kShades);
constexpr std::size_t kLabel = 12;     // columns of a row's label
constexpr std::size_t kThumbnail = 8;  // cells of a head's picture
constexpr std::size_t kLensCell = 9;

enum class Ink { plain, title, faint, positive, negative, marked };

std::string pad(std::string_view text, std::size_t columns, bool right = false) {
  const std::string fitted = fit(text, columns);
  const std::string blanks(columns - width(fitted), ' ');
  return right ? blanks + fitted : fitted + blanks;
}

// A matrix whose cells stand for blocks of `block` x `block` values: the largest by size of each.
Grid pooled(const Grid& grid, std::size_t block) {
  Grid out((grid.rows + block - 1) / block, (grid.cols + block - 1) / block);
  for (std::size_t i = 0; i < grid.rows; ++i) {
    for (std::size_t j = 0; j < grid.cols; ++j) {
      float& cell = out.at(i / block, j / block);
      if (std::fabs(grid.at(i, j)) > std::fabs(cell)) cell = grid.at(i, j);
    }
  }
  return out;
}

double largest_size(const Grid& grid) {
  double largest = 0;
  for (const float value : grid.values) largest = std::max(largest, std::fabs(double(value)));
  return largest;
}

class Painter {
 public:
  explicit Painter(const View& view, const Terminal& terminal) : view_(view), terminal_(terminal) {}

  void title(std::string_view text) {
    out_ += ink(text, Ink::title) + '\n' + std::string(std::min(width(text), terminal_.columns), '=') + '\n';
  }
  void wrapped(std::string_view text, Ink colour = Ink::plain);

  void draw(const Paragraph& paragraph) {
    wrapped(paragraph.text, paragraph.kind == Paragraph::Kind::absent ? Ink::faint : Ink::plain);
    out_ += '\n';
  }
  void draw(const Strip& strip);
  void draw(const Table& table);
  void draw(const Bars& bars);
  void draw(const Heatmap& map);
  void draw(const CellGrid& grid);
  void draw(const Curves& curves);
  void draw(const Steps& steps);
  void draw(const AttentionMaps& maps);
  void draw(const MemoryMaps& maps);

  std::string take() { return std::move(out_); }

 private:
  std::string ink(std::string_view text, Ink colour) const;
  std::string shade(double value, double largest, std::size_t columns) const;
  void caption(std::string_view text) {
    if (!text.empty()) out_ += ink(fit(text, terminal_.columns), Ink::faint) + '\n';
  }
  void line(std::string_view text) { out_ += std::string(text) + '\n'; }
  std::vector<std::size_t> column_widths(const Table& table) const;
  void bar(const Bars::Bar& bar, double largest, std::size_t label);
  // A small picture of a matrix, with a name; `largest`: what is drawn darkest.
  struct Thumbnail {
    std::size_t layer;
    std::string name;
    const Grid* values;
    double largest;
  };
  void thumbnails(const std::vector<Thumbnail>& pictures, bool masked);
  void matrix(std::string_view caption, const Grid& values, const std::vector<std::string>& labels, bool masked,
              bool diverging);
  void fact_lines(const std::vector<std::pair<std::string, std::string>>& facts);
  void strongest_looks(const AttentionMaps& maps, const HeadRecord& head);

  const View& view_;
  const Terminal& terminal_;
  std::string out_;
};

std::string Painter::ink(std::string_view text, Ink colour) const {
  constexpr std::string_view kCodes[] = {
      "", "\x1b[1m", "\x1b[2m", "\x1b[38;5;33m", "\x1b[38;5;167m", "\x1b[1;38;5;33m"};
  const std::string_view code = kCodes[static_cast<std::size_t>(colour)];
  if (!terminal_.colour || code.empty() || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code, text);
}

std::string Painter::shade(double value, double largest, std::size_t columns) const {
  const double share = largest > 0 && std::isfinite(value) ? std::min(std::fabs(value) / largest, 1.0) : 0;
  // 0 is blank and what is there at all shows.
  const auto level =
      share == 0 ? 0 : std::min<std::size_t>(kLevels - 1, 1 + static_cast<std::size_t>(share * (kLevels - 1) * 0.999));
  const bool negative = value < 0;
  std::string cell;
  for (std::size_t i = 0; i < columns; ++i) cell += negative && !terminal_.colour ? kNegative[level] : kShades[level];
  return level == 0 ? cell : ink(cell, negative ? Ink::negative : Ink::positive);
}

// Lines of at most the terminal's width, broken at blanks; text without blanks (Chinese) between any two
// characters.
void Painter::wrapped(std::string_view text, Ink colour) {
  while (!text.empty()) {
    std::size_t end = text.size();
    if (width(text) > terminal_.columns) {
      const std::string fitted = fit(text, terminal_.columns);
      end = fitted.size() - std::string_view("…").size();
      const std::size_t blank = text.rfind(' ', end);
      if (blank != text.npos && blank > end / 2) end = blank;
    }
    line(ink(text.substr(0, end), colour));
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', end)));
  }
}

void Painter::draw(const Strip& strip) {
  std::string row;
  std::size_t taken = 0;
  for (const Strip::Token& token : strip.tokens) {
    const std::size_t needed = width(token.label) + 1;
    if (taken > 0 && taken + needed > terminal_.columns) {
      line(row);
      row.clear();
      taken = 0;
    }
    const Ink colour = token.special ? Ink::faint : token.generated ? Ink::marked : Ink::plain;
    row += ink(token.label, colour) + ink("|", Ink::faint);
    taken += needed;
  }
  line(row);
  out_ += '\n';
}

// As wide as needed; where that is too wide, columns that are not numbers share what is left.
std::vector<std::size_t> Painter::column_widths(const Table& table) const {
  std::vector<std::size_t> widths;
  for (const std::string& head : table.head) widths.push_back(width(head));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  const std::size_t room = terminal_.columns - 2 * (widths.size() - 1);
  const auto total = [&] {
    std::size_t sum = 0;
    for (const std::size_t w : widths) sum += w;
    return sum;
  };
  while (total() > room) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= 4) break;
    --*widest;
  }
  return widths;
}

void Painter::draw(const Table& table) {
  caption(table.caption);
  const auto widths = column_widths(table);
  const auto row_line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) text += (i > 0 ? "  " : "") + pad(row[i], widths[i], table.numeric[i]);
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  line(ink(row_line(table.head), Ink::faint));
  for (const auto& row : table.rows) line(row_line(row));
  out_ += '\n';
}

void Painter::bar(const Bars::Bar& bar, double largest, std::size_t label) {
  constexpr std::size_t kLength = 36;
  const double eighths = largest > 0 ? bar.value / largest * kLength * 8 : 0;
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto n = static_cast<std::size_t>(std::max(0.0, std::round(eighths)));
  std::string block;
  for (std::size_t i = 0; i < n / 8; ++i) block += "█";
  block += kEighths[n % 8];
  const std::string blanks(kLength - std::min(kLength, width(block)), ' ');
  line(pad(bar.label, label) + " " + ink(block, bar.marked ? Ink::marked : Ink::positive) + blanks + " " + bar.shown +
       (bar.marked ? " ←" : ""));
}

void Painter::draw(const Bars& bars) {
  caption(bars.caption);
  double largest = 0;
  std::size_t label = 4;
  for (const Bars::Bar& b : bars.bars) {
    largest = std::max(largest, b.value);
    label = std::max(label, std::min<std::size_t>(width(b.label), 22));
  }
  for (const Bars::Bar& b : bars.bars) bar(b, largest, label);
  out_ += '\n';
}

void Painter::draw(const Heatmap& map) {
  caption(map.caption);
  const std::size_t room = terminal_.columns - kLabel - 2;
  const std::size_t block = (map.values.cols + room - 1) / room;
  Grid shown(map.values.rows, (map.values.cols + block - 1) / block);
  for (std::size_t i = 0; i < map.values.rows; ++i) {
    for (std::size_t j = 0; j < map.values.cols; ++j) {
      float& cell = shown.at(i, j / block);
      if (std::fabs(map.values.at(i, j)) > std::fabs(cell)) cell = map.values.at(i, j);
    }
  }
  const std::size_t cell = std::clamp<std::size_t>(room / shown.cols, 1, 2);
  const double largest = largest_size(map.values);
  for (std::size_t i = 0; i < shown.rows; ++i) {
    std::string row = pad(map.row_labels[i], kLabel, true) + " ";
    for (std::size_t j = 0; j < shown.cols; ++j) row += shade(shown.at(i, j), largest, cell);
    line(row);
  }
  line(ink(fmt::format("{} → {}   █ {}{}", std::string(kLabel, ' '), map.col_title, three_digits(largest),
                       map.diverging ? (terminal_.colour ? "   " + ink("█", Ink::negative) + " -" : "   X -") +
                                           three_digits(largest)
                                     : ""),
           Ink::faint));
  out_ += '\n';
}

void Painter::draw(const CellGrid& grid) {
  caption(grid.caption);
  const std::size_t label = 6, at_once = (terminal_.columns - label - 1) / kLensCell, cols = grid.col_labels.size();
  for (std::size_t first = 0; first < cols; first += at_once) {
    const std::size_t last = std::min(cols, first + at_once);
    std::string head = pad(first == 0 ? grid.row_title : "", label, true);
    for (std::size_t j = first; j < last; ++j) head += " " + pad(grid.col_labels[j], kLensCell - 1);
    line(ink(head, Ink::title));
    for (std::size_t i = 0; i < grid.row_labels.size(); ++i) {
      std::string row = pad(grid.row_labels[i], label, true);
      for (std::size_t j = first; j < last; ++j) {
        const CellGrid::Cell& cell = grid.cells[i * cols + j];
        const std::string text = (cell.marked ? "*" : " ") + pad(cell.text, kLensCell - 2);
        row += ink(text, cell.marked         ? Ink::marked
                         : cell.shade < 0.1f ? Ink::faint
                                             : Ink::plain) +
               shade(cell.shade, 1, 1);
      }
      line(row);
    }
    out_ += '\n';
  }
}

void Painter::draw(const Curves& curves) {
  Table table{.caption = curves.caption + " (" + curves.y_title + ")",
              .head = {curves.x_title},
              .rows = {},
              .numeric = {true},
              .positions = {}};
  for (const Curves::Line& l : curves.lines) {
    table.head.push_back(l.name);
    table.numeric.push_back(true);
  }
  for (std::size_t i = 0; i < curves.lines.front().points.size(); ++i) {
    std::vector<std::string> row = {std::to_string(static_cast<std::size_t>(curves.lines.front().points[i].first))};
    for (const Curves::Line& l : curves.lines) row.push_back(seconds_text(l.points[i].second));
    table.rows.push_back(std::move(row));
  }
  draw(table);
}

void Painter::draw(const Steps& steps) {
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < steps.steps.size(); ++i) {
    const Steps::Step& step = steps.steps[i];
    line(fmt::format("{} {}: {}", i, ink(step.title, step.active ? Ink::title : Ink::faint), step.line));
    for (std::size_t k = 0; k < std::min(kShown, step.bars.size()); ++k)
      bar(step.bars[k], std::max(step.bars[0].value, 1e-9), 16);
    std::string gone;
    for (const Bars::Bar& b : step.dropped) gone += (gone.empty() ? "" : ", ") + b.label + " " + b.shown;
    if (!gone.empty()) line(ink(fit("  " + view_.words("output.gone") + ": " + gone, terminal_.columns), Ink::faint));
  }
  line(ink(steps.draw_title, Ink::title) + ": " + steps.draw_line);
  if (steps.number >= 0) {
    constexpr std::size_t kLine = 60;
    const auto column = [&](double at) { return std::min(kLine - 1, static_cast<std::size_t>(at * kLine)); };
    std::string axis, pointer;
    for (std::size_t i = 0; i < kLine; ++i) {
      const bool inside = i >= column(steps.from) && i <= column(steps.to);
      axis += inside ? ink("█", Ink::positive) : ink("─", Ink::faint);
      pointer += i == column(steps.number) ? "▲" : " ";
    }
    line("0 " + axis + " 1");
    line("  " + pointer.substr(0, pointer.find_last_not_of(' ') + 1));
  }
  out_ += '\n';
}

void Painter::thumbnails(const std::vector<Thumbnail>& pictures, bool masked) {
  const std::size_t n = pictures.front().values->rows,
                    block = std::max<std::size_t>(1, (n + kThumbnail - 1) / kThumbnail);
  const std::size_t side = (n + block - 1) / block, at_once = terminal_.columns / (kThumbnail + 2);
  for (std::size_t first = 0; first < pictures.size();) {
    // Pictures of one layer stand in one row, or in several if they are many.
    std::size_t last = first;
    while (last < pictures.size() && last - first < at_once && pictures[last].layer == pictures[first].layer) ++last;
    std::string names;
    std::vector<Grid> small;
    for (std::size_t h = first; h < last; ++h) {
      names += pad(pictures[h].name, kThumbnail + 1) + " ";
      small.push_back(pooled(*pictures[h].values, block));
    }
    line(ink(names.substr(0, names.find_last_not_of(' ') + 1), Ink::faint));
    for (std::size_t i = 0; i < side; ++i) {
      std::string row;
      for (std::size_t h = first; h < last; ++h) {
        for (std::size_t j = 0; j < side; ++j)
          row += j <= i || !masked ? shade(small[h - first].at(i, j), pictures[h].largest, 1) : " ";
        row += std::string(kThumbnail + 2 - side, ' ');
      }
      line(row.substr(0, row.find_last_not_of(' ') + 1));
    }
    first = last;
  }
  out_ += '\n';
}

void Painter::matrix(std::string_view text, const Grid& values, const std::vector<std::string>& labels, bool masked,
                     bool diverging) {
  caption(text);
  const std::size_t room = terminal_.columns - kLabel - 2, block = (values.cols + room - 1) / room;
  const Grid shown = pooled(values, block);
  const std::size_t cell = std::clamp<std::size_t>(room / shown.cols, 1, 2);
  const double largest = diverging ? largest_size(values) : 1;
  for (std::size_t i = 0; i < shown.rows; ++i) {
    std::string row = pad(labels[i * block], kLabel, true) + " ";
    for (std::size_t j = 0; j < shown.cols; ++j) {
      row += masked && j > i ? ink(std::string(cell, '.'), Ink::faint) : shade(shown.at(i, j), largest, cell);
    }
    line(row);
  }
  out_ += '\n';
}

// In numbers: where the last token looks.
void Painter::strongest_looks(const AttentionMaps& maps, const HeadRecord& head) {
  const std::size_t last = maps.labels.size() - 1;
  const Grid& weights = maps.without_mask ? head.unmasked : head.weights;
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j <= last; ++j) order.push_back(j);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return weights.at(last, a) > weights.at(last, b); });
  for (std::size_t k = 0; k < std::min<std::size_t>(5, order.size()); ++k) {
    const std::string target = fmt::format("{} {}", maps.labels[order[k]], maps.first + order[k]);
    bar({.label = view_.words("attention.cell", maps.labels[last], target),
         .value = weights.at(last, order[k]),
         .shown = percent(weights.at(last, order[k])),
         .note = ""},
        1, 26);
  }
  out_ += '\n';
}

void Painter::draw(const AttentionMaps& maps) {
  const Words& words = view_.words;
  caption(words("attention.all"));
  std::vector<Thumbnail> pictures;
  for (std::size_t h = 0; h < maps.heads.size(); ++h) {
    const AttentionMaps::Head& head = maps.heads[h];
    pictures.push_back({head.layer, fmt::format("{}.{}{}", head.layer, head.head, h == maps.chosen ? "◀" : ""),
                        maps.without_mask ? &head.record->unmasked : &head.record->weights, 1});
  }
  thumbnails(pictures, !maps.without_mask);
  const AttentionMaps::Head& chosen = maps.heads[maps.chosen];
  line(ink(words("attention.large", chosen.layer, chosen.head), Ink::title));
  matrix(words("attention.scores"), chosen.record->scores, maps.labels, false, true);
  matrix(words("attention.masked"), chosen.record->scores, maps.labels, true, true);
  matrix(words("attention.weights"), chosen.record->weights, maps.labels, true, false);
  if (maps.without_mask) {
    wrapped(words("attention.unmasked.note"), Ink::negative);
    matrix(words("attention.unmasked"), chosen.record->unmasked, maps.labels, false, false);
  }
  strongest_looks(maps, *chosen.record);
  caption(words("attention.measured"));
  fact_lines(chosen.facts);
}

void Painter::fact_lines(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t widest = 0;
  for (const auto& [label, value] : facts) widest = std::max(widest, width(label));
  for (const auto& [label, value] : facts) line(pad(label, widest) + "  " + value);
  out_ += '\n';
}

void Painter::draw(const MemoryMaps& maps) {
  const Words& words = view_.words;
  caption(words("memory.all"));
  std::vector<Thumbnail> pictures;
  for (std::size_t u = 0; u < maps.units.size(); ++u) {
    const MemoryMaps::Unit& unit = maps.units[u];
    const std::string name = fmt::format("{} {}{}", unit.layer, unit.name, u == maps.chosen ? "◀" : "");
    pictures.push_back({unit.layer, name, unit.weights, largest_size(*unit.weights)});
  }
  thumbnails(pictures, true);
  const MemoryMaps::Unit& chosen = maps.units[maps.chosen];
  line(ink(chosen.title, Ink::title));
  wrapped(words("memory.large.note"));
  matrix("", *chosen.weights, maps.labels, true, true);
  caption(words("memory.measured"));
  fact_lines(chosen.facts);
}

}  // namespace

std::string draw_terminal(const Panel& panel, const View& view, const Terminal& terminal) {
  Painter painter(view, terminal);
  const std::string key(panel.name);
  painter.title(view.words(key + ".title"));
  painter.draw(Paragraph{view.words(key + ".sentence")});
  for (const Figure& figure : panel.draw(view)) {
    std::visit([&](const auto& kind) { painter.draw(kind); }, figure);
  }
  return painter.take();
}

}  // namespace continuo::explain
