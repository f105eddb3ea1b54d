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
  void draw(const SamplerFigure&) {}  // a page's alone
  void draw(const LoopFigure&) {}     // as well: the table below it says the same
  void draw(const SwitchesFigure& switches);
  void draw(const TreeFigure& tree);
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
  Table examples_table(const AttentionMaps& maps) const;
  void strongest_looks(const AttentionMaps& maps, const HeadRecord& head);
  void weighted_sum(const AttentionMaps& maps, const AttentionMaps::Head& head);

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

// Bars of either sign grow to the right; those below 0 have the other colour, and "-" before their number.
void Painter::bar(const Bars::Bar& bar, double largest, std::size_t label) {
  constexpr std::size_t kLength = 36;
  const double eighths = largest > 0 ? std::fabs(bar.value) / largest * kLength * 8 : 0;
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto n = static_cast<std::size_t>(std::max(0.0, std::round(eighths)));
  std::string block;
  for (std::size_t i = 0; i < n / 8; ++i) block += "█";
  block += kEighths[n % 8];
  const std::string blanks(kLength - std::min(kLength, width(block)), ' ');
  const Ink colour = bar.marked ? Ink::marked : bar.value < 0 ? Ink::negative : Ink::positive;
  line(pad(bar.label, label) + " " + ink(block, colour) + blanks + " " + bar.shown + (bar.marked ? " ←" : ""));
}

void Painter::draw(const Bars& bars) {
  caption(bars.caption);
  double largest = 0;
  std::size_t label = 4;
  for (const Bars::Bar& b : bars.bars) {
    largest = std::max(largest, std::fabs(b.value));
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
  const Heatmap::Extremes extremes = map.extremes();
  for (std::size_t i = 0; i < shown.rows; ++i) {
    std::string row = pad(map.row_labels[i], kLabel, true) + " ";
    for (std::size_t j = 0; j < shown.cols; ++j) row += shade(map.shade(shown.at(i, j), extremes), 1, cell);
    line(row);
  }
  std::string legend = fmt::format("{} → {}   █ {}", std::string(kLabel, ' '), map.col_title,
                                   three_digits(map.scale == Heatmap::Scale::root ? 1 : extremes.largest));
  if (map.scale == Heatmap::Scale::diverging || map.scale == Heatmap::Scale::signed_root)
    legend += (terminal_.colour ? "   " + ink("█", Ink::negative) + " -" : "   X -") + three_digits(extremes.largest);
  line(ink(legend, Ink::faint));
  if (map.scale == Heatmap::Scale::logarithmic) caption(view_.words("page.colour.logarithmic"));
  if (map.scale == Heatmap::Scale::root) caption(view_.words("page.colour.root"));
  if (map.scale == Heatmap::Scale::signed_root) caption(view_.words("page.colour.signed_root"));
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
  Table table{.caption = curves.caption, .head = {curves.x_title}, .rows = {}, .numeric = {true}, .positions = {}};
  // What was counted, and behind it what was measured.
  for (const Curves::Line& l : curves.lines) {
    table.head.push_back(l.name);
    table.numeric.push_back(true);
  }
  for (const auto& [x, unused] : curves.lines.front().points) {
    std::vector<std::string> row = {std::to_string(static_cast<std::size_t>(x))};
    for (const Curves::Line& l : curves.lines) {
      std::string cell;
      for (const auto& [length, operations] : l.points) {
        if (length == x) cell = count_text(operations);
      }
      for (const auto& [length, seconds] : l.dots) {
        if (length == x) cell += " " + seconds_text(seconds);
      }
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  draw(table);
}

void Painter::draw(const SwitchesFigure& switches) {
  caption(switches.caption);
  double largest = 1e-9;
  for (const Bars::Bar& b : switches.before) largest = std::max(largest, b.value);
  for (const Bars::Bar& b : switches.before) bar(b, largest, 16);
  out_ += '\n';
}

void Painter::draw(const TreeFigure& tree) {
  caption(tree.caption);
  line(tree.root);
  std::vector<std::vector<std::size_t>> children(tree.nodes.size() + 1);  // the last: of the root
  for (std::size_t i = 0; i < tree.nodes.size(); ++i)
    children[tree.nodes[i].parent.value_or(tree.nodes.size())].push_back(i);
  const auto branch = [&](const auto& again, std::size_t node, const std::string& indent) -> void {
    for (std::size_t k = 0; k < children[node].size(); ++k) {
      const std::size_t child = children[node][k];
      const bool last = k + 1 == children[node].size();
      line(ink(indent + (last ? "└─ " : "├─ "), Ink::faint) + tree.nodes[child].label + "  " +
           ink(tree.nodes[child].shown, Ink::faint));
      again(again, child, indent + (last ? "   " : "│  "));
    }
  };
  branch(branch, tree.nodes.size(), "");
  out_ += '\n';
}

void Painter::draw(const Steps& steps) {
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < steps.steps.size(); ++i) {
    const Steps::Step& step = steps.steps[i];
    const std::string title = fmt::format("{} {}: ", i, ink(step.title, step.active ? Ink::title : Ink::faint));
    if (width(std::to_string(i) + step.title + step.line) + 3 <= terminal_.columns) {
      line(title + step.line);
    } else {
      line(title);
      wrapped(step.line);
    }
    for (std::size_t k = 0; k < std::min(kShown, step.bars.size()); ++k)
      bar(step.bars[k], std::max(step.bars[0].value, 1e-9), 16);
    std::string gone;
    for (const Bars::Bar& b : step.dropped) gone += (gone.empty() ? "" : ", ") + b.label + " " + b.shown;
    if (!gone.empty()) line(ink(fit("  " + view_.words("output.gone") + ": " + gone, terminal_.columns), Ink::faint));
  }
  line(ink(steps.draw_title, Ink::title) + ":");
  wrapped(steps.draw_line);
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

Table Painter::examples_table(const AttentionMaps& maps) const {
  const Words& words = view_.words;
  Table table{.caption = words("attention.examples"),
              .head = {words("attention.kind"), words("layer"), words("head"), words("attention.share")},
              .rows = {},
              .numeric = {false, true, true, true},
              .positions = {}};
  for (const AttentionMaps::Example& example : maps.examples) {
    const AttentionMaps::Head& head = maps.heads[example.head];
    table.rows.push_back(
        {words(kind_key(example.kind)), std::to_string(head.layer), std::to_string(head.head), percent(example.share)});
  }
  return table;
}

// In numbers: where the last token looks.
void Painter::strongest_looks(const AttentionMaps& maps, const HeadRecord& head) {
  const std::size_t last = maps.labels.size() - 1;
  const Grid& weights = maps.without_mask ? head.unmasked : head.weights;
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j <= last; ++j) order.push_back(j);  // of the last row, which sees all in any case
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

// In numbers: how the last token looks at the one it looks at most, and what it takes home.
void Painter::weighted_sum(const AttentionMaps& maps, const AttentionMaps::Head& head) {
  constexpr std::size_t kNumbers = 5;
  const Words& words = view_.words;
  const Grid &queries = head.record->queries, &keys = head.keys(), &values = head.values();
  const std::size_t last = maps.labels.size() - 1, n = std::min(kNumbers, queries.cols);
  const float* const weights = &head.record->weights.at(last, 0);
  const auto best = static_cast<std::size_t>(std::max_element(weights, weights + last + 1) - weights);
  const auto some = [&](const auto& value) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += fmt::format("{:>9}", three_digits(value(i)));
    return text + (n < queries.cols ? "  …" : "");
  };
  double product = 0;
  for (std::size_t i = 0; i < queries.cols; ++i) product += double(queries.at(last, i)) * double(keys.at(best, i));
  const double scale = double(head.attention->spec.scale);
  const auto labelled = [&](const std::string& label, const std::string& text) { line(pad(label, 24) + text); };
  caption(words("attention.pair"));
  labelled(words("attention.pair.query", maps.labels[last]),
           some([&](std::size_t i) { return double(queries.at(last, i)); }));
  labelled(words("attention.pair.key", maps.labels[best]),
           some([&](std::size_t i) { return double(keys.at(best, i)); }));
  line(words("attention.pair.sum", three_digits(product), three_digits(scale), three_digits(product * scale)));
  line(words("attention.pair.weight", percent(weights[best])));
  caption(words("attention.sum"));
  labelled(words("attention.sum.value", percent(weights[best]), maps.labels[best]),
           some([&](std::size_t i) { return double(weights[best]) * double(values.at(best, i)); }));
  labelled(words("attention.sum.result"), some([&](std::size_t i) {
             double sum = 0;
             for (std::size_t j = 0; j <= last; ++j) sum += double(weights[j]) * double(values.at(j, i));
             return sum;
           }));
  out_ += '\n';
}

void Painter::draw(const AttentionMaps& maps) {
  const Words& words = view_.words;
  if (!maps.examples.empty()) draw(examples_table(maps));
  caption(words("attention.all"));
  std::vector<Thumbnail> pictures;
  for (std::size_t h = 0; h < maps.heads.size(); ++h) {
    const AttentionMaps::Head& head = maps.heads[h];
    pictures.push_back({head.layer, fmt::format("{}.{}{}", head.layer, head.head, h == maps.chosen ? "◀" : ""),
                        maps.without_mask ? &head.record->unmasked : &head.record->weights, 1});
  }
  const bool masked = !maps.both_sides;
  thumbnails(pictures, masked && !maps.without_mask);
  const AttentionMaps::Head& chosen = maps.heads[maps.chosen];
  line(ink(words("attention.large", chosen.layer, chosen.head) + " · " + words(kind_key(chosen.kind)), Ink::title));
  matrix(words("attention.scores"), chosen.record->scores, maps.labels, false, true);
  if (masked) matrix(words("attention.masked"), chosen.record->scores, maps.labels, true, true);
  matrix(words("attention.weights"), chosen.record->weights, maps.labels, masked, false);
  if (maps.both_sides) wrapped(words("attention.both.note"));
  if (maps.sinks) wrapped(words("attention.weights.sinks"));
  if (maps.without_mask) {
    wrapped(words("attention.unmasked.note"), Ink::negative);
    matrix(words("attention.unmasked"), chosen.record->unmasked, maps.labels, false, false);
  }
  strongest_looks(maps, *chosen.record);
  weighted_sum(maps, chosen);
  caption(words("attention.measured"));
  fact_lines(chosen.facts);
}

void Painter::fact_lines(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t widest = 0;
  for (const auto& [label, value] : facts) widest = std::max(widest, width(label));
  for (const auto& [label, value] : facts) {
    const std::string indent =
        widest + 2 + width(value) > terminal_.columns ? label + "\n  " : pad(label, widest) + "  ";
    line(indent + value);
  }
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

std::string draw_terminal_head(const View& view, const Terminal& terminal) {
  Painter painter(view, terminal);
  painter.draw(Paragraph{lead_text(view.recording, view.words)});
  return painter.take();
}

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
