#include <algorithm>
#include <cmath>
#include <map>

#include "explain/canvases.h"
#include "explain/markup.h"
#include "explain/page_assets.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

using Json = nlohmann::ordered_json;
using Facts = std::vector<std::pair<std::string, std::string>>;

// ---- numbers, two characters each: as small as text gets, and exactly what the page shows ----

// Printable ASCII without what JSON or HTML gives a meaning: 91 characters.
const std::string& alphabet() {
  static const std::string kAll = [] {
    std::string all;
    for (char c = 0x20; c < 0x7f; ++c) {
      if (std::string_view("\"\\<&").find(c) == std::string_view::npos) all += c;
    }
    return all;
  }();
  return kAll;
}
constexpr unsigned kCodes = 91 * 91;

void pack(unsigned code, std::string& out) {
  out += alphabet()[code / 91];
  out += alphabet()[code % 91];
}

// A share of 1 with three significant digits: 0 (also for less than 1e-9), 100..999 times a power of ten,
// or 1.
unsigned weight_code(float weight) {
  if (!(weight > 0) || !std::isfinite(weight)) return 0;
  const std::string text = fmt::format("{:.2e}", weight);  // "1.23e-04"
  const int exponent = std::stoi(text.substr(5));
  if (exponent < -9) return 0;
  if (exponent >= 0) return 8101;
  const unsigned digits = 100 * unsigned(text[0] - '0') + 10 * unsigned(text[2] - '0') + unsigned(text[3] - '0');
  return unsigned(-exponent - 1) * 900 + digits - 100 + 1;
}

// Numbers in decimal steps as fine as the codes allow, and no finer than 10^-digits.
// What is no finite number counts as 0.
Json decimals_json(const Grid& scores, int digits) {
  std::vector<double> values;
  for (const float score : scores.values) values.push_back(std::isfinite(score) ? double(score) : 0);
  const auto extremes = std::minmax_element(values.begin(), values.end());
  const double least = *extremes.first, most = *extremes.second;
  const auto step = [&] { return std::pow(10.0, -digits); };
  const auto low = [&] { return std::floor(least / step()) * step(); };
  while ((most - low()) / step() >= kCodes - 2) --digits;
  std::string packed;
  for (const double value : values) pack(static_cast<unsigned>(std::lround((value - low()) / step())), packed);
  return {{"low", low()}, {"step", step()}, {"digits", std::max(0, digits)}, {"packed", std::move(packed)}};
}

std::string weights_packed(const Grid& weights) {
  std::string packed;
  for (std::size_t i = 0; i < weights.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) pack(weight_code(weights.at(i, j)), packed);
  }
  return packed;
}

// ---- figures as the script reads them ----

Json number(double value) { return std::isfinite(value) ? Json::parse(three_digits(value)) : Json(0); }

// Strings that occur again and again, each once: what refers to them holds their numbers.
class Interned {
 public:
  std::size_t operator()(const std::string& text) {
    const auto [place, added] = numbers_.try_emplace(text, strings_.size());
    if (added) strings_.push_back(text);
    return place->second;
  }
  Json take() { return std::move(strings_); }

 private:
  std::map<std::string, std::size_t> numbers_;
  Json strings_ = Json::array();
};

Json facts_json(const Facts& facts) {
  Json out = Json::array();
  for (const auto& [name, value] : facts) out.push_back({name, value});
  return out;
}

Json bars_json(const std::vector<Bars::Bar>& bars) {
  Json out = Json::array();
  for (const Bars::Bar& bar : bars) {
    out.push_back({{"label", bar.label},
                   {"value", number(bar.value)},
                   {"shown", bar.shown},
                   {"note", bar.note},
                   {"marked", bar.marked}});
  }
  return out;
}

Json json_of(const Paragraph& p) {
  constexpr std::string_view kStyles[] = {"plain", "finding", "absent"};
  return {{"kind", "paragraph"}, {"style", kStyles[static_cast<std::size_t>(p.kind)]}, {"text", p.text}};
}

Json json_of(const Strip& s) {
  Json tokens = Json::array();
  for (const Strip::Token& token : s.tokens) {
    tokens.push_back({{"label", token.label},
                      {"special", token.special},
                      {"generated", token.generated},
                      {"facts", facts_json(token.facts)}});
  }
  return {{"kind", "strip"}, {"tokens", std::move(tokens)}};
}

Json json_of(const Table& t) {
  return {{"kind", "table"}, {"caption", t.caption}, {"head", t.head},
          {"rows", t.rows},  {"numeric", t.numeric}, {"positions", t.positions}};
}

Json json_of(const Bars& b) {
  return {{"kind", "bars"}, {"caption", b.caption}, {"bars", bars_json(b.bars)}, {"by_position", b.by_position}};
}

Json json_of(const Heatmap& m) {
  return {{"kind", "heatmap"},
          {"caption", m.caption},
          {"row_title", m.row_title},
          {"col_title", m.col_title},
          {"row_labels", m.row_labels},
          {"col_labels", m.col_labels},
          {"values", decimals_json(m.values, 6)}};
}

// A cell is [text, shade, marked, name, value, name, value, ...], texts and names as numbers of `strings`.
Json json_of(const CellGrid& g) {
  Interned strings;
  Json cells = Json::array(), col_facts = Json::array();
  for (const CellGrid::Cell& cell : g.cells) {
    Json entry = {strings(cell.text), number(cell.shade), cell.marked ? 1 : 0};
    for (const auto& [name, value] : cell.facts) {
      entry.push_back(strings(name));
      entry.push_back(value);
    }
    cells.push_back(std::move(entry));
  }
  for (const Facts& facts : g.col_facts) col_facts.push_back(facts_json(facts));
  return {{"kind", "grid"},
          {"caption", g.caption},
          {"row_title", g.row_title},
          {"row_labels", g.row_labels},
          {"col_labels", g.col_labels},
          {"strings", strings.take()},
          {"cells", std::move(cells)},
          {"col_facts", std::move(col_facts)}};
}

Json json_of(const Curves& c) {
  Json lines = Json::array();
  for (const Curves::Line& line : c.lines) {
    Json points = Json::array();
    for (const auto& [x, y] : line.points) points.push_back({x, number(y)});
    lines.push_back({{"name", line.name}, {"points", std::move(points)}});
  }
  return {{"kind", "curves"},
          {"caption", c.caption},
          {"x_title", c.x_title},
          {"y_title", c.y_title},
          {"lines", std::move(lines)}};
}

Json json_of(const Steps& s) {
  Json steps = Json::array();
  for (const Steps::Step& step : s.steps) {
    steps.push_back({{"title", step.title},
                     {"line", step.line},
                     {"active", step.active},
                     {"bars", bars_json(step.bars)},
                     {"dropped", bars_json(step.dropped)}});
  }
  return {{"kind", "steps"},
          {"steps", std::move(steps)},
          {"draw_title", s.draw_title},
          {"draw_line", s.draw_line},
          {"number", s.number},
          {"from", s.from},
          {"to", s.to}};
}

Json json_of(const AttentionMaps& m) {
  Json heads = Json::array();
  for (std::size_t i = 0; i < m.heads.size(); ++i) {
    const AttentionMaps::Head& head = m.heads[i];
    Json values = Json::array();
    for (const auto& fact : head.facts) values.push_back(fact.second);
    const bool same_layer = i > 0 && m.heads[i - 1].layer == head.layer;
    heads.push_back({{"layer", head.layer},
                     {"head", head.head},
                     {"new_group", same_layer && m.heads[i - 1].record->kv_head != head.record->kv_head && m.grouped},
                     {"window", head.window},
                     {"facts", std::move(values)},
                     {"scores", decimals_json(head.record->scores, 2)},
                     {"weights", weights_packed(head.record->weights)}});
  }
  Json names = Json::array();
  for (const auto& fact : m.heads.front().facts) names.push_back(fact.first);
  return {{"kind", "attention"},
          {"labels", m.labels},
          {"first", m.first},
          {"chosen", m.chosen},
          {"fact_names", std::move(names)},
          {"without_mask", m.without_mask},
          {"heads", std::move(heads)}};
}

Json json_of(const MemoryMaps& m) {
  Json units = Json::array();
  for (const MemoryMaps::Unit& unit : m.units) {
    Grid triangle(1, m.labels.size() * (m.labels.size() + 1) / 2);
    std::size_t at = 0;
    for (std::size_t i = 0; i < m.labels.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) triangle.values[at++] = unit.weights->at(i, j);
    }
    Json values = Json::array();
    for (const auto& fact : unit.facts) values.push_back(fact.second);
    units.push_back({{"layer", unit.layer},
                     {"name", unit.name},
                     {"title", unit.title},
                     {"facts", std::move(values)},
                     {"weights", decimals_json(triangle, 9)}});
  }
  Json names = Json::array();
  for (const auto& fact : m.units.front().facts) names.push_back(fact.first);
  return {{"kind", "memory"},
          {"labels", m.labels},
          {"first", m.first},
          {"chosen", m.chosen},
          {"fact_names", std::move(names)},
          {"units", std::move(units)}};
}

// ---- the page ----

// The texts that the script itself puts in.
constexpr std::string_view kScriptWords[] = {
    "page.keys",
    "page.theme",
    "page.light",
    "page.dark",
    "page.auto",
    "page.contents",
    "page.next",
    "page.top",
    "page.table",
    "token",
    "layer.n",
    "output.gone",
    "attention.title",
    "attention.all",
    "attention.large",
    "attention.stage",
    "attention.scores",
    "attention.masked",
    "attention.weights",
    "attention.unmasked",
    "attention.scores.note",
    "attention.masked.note",
    "attention.weights.note",
    "attention.unmasked.note",
    "attention.cell",
    "attention.masked.cell",
    "attention.approximate",
    "attention.measured",
    "memory.all",
    "memory.large.note",
    "memory.cell",
    "memory.measured",
};

// JSON that cannot end the element it stands in: nothing begins with "<".
std::string embedded_json(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Json page_data(std::span<const Panel> panels, const View& view, const Page& page) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Json list = Json::array();
  for (const Panel& panel : panels) {
    const std::string key(panel.name);
    Json figures = Json::array();
    for (const Figure& figure : panel.draw(view)) {
      figures.push_back(std::visit([](const auto& kind) { return json_of(kind); }, figure));
    }
    list.push_back({{"name", key},
                    {"title", words(key + ".title")},
                    {"sentence", words(key + ".sentence")},
                    {"figures", std::move(figures)}});
  }
  Json table = Json::object();
  for (const std::string_view key : kScriptWords) table[std::string(key)] = words(key);
  std::string lead = words("page.lead", r.model, r.text_tokens);
  if (r.rows() < r.text_tokens) lead += " " + words("page.window", r.from, r.to - 1, r.text_tokens);
  return {{"title", words("page.title", r.model)},
          {"lead", std::move(lead)},
          {"foot", words("page.made", page.version)},
          {"from", r.from},
          {"words", std::move(table)},
          {"panels", std::move(list)}};
}

std::string draw_page(std::span<const Panel> panels, const View& view, const Page& page) {
  const PageAsset style = page_style(), script = page_script();
  const Json data = page_data(panels, view, page);
  std::string out = "<!doctype html>\n";
  out += fmt::format("<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n", tag(view.words.language()));
  out += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; "
      "base-uri 'none'; form-action 'none'\">\n",
      style.hash, script.hash);
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
      "content=\"no-referrer\">\n";
  out += fmt::format("<title>{}</title>\n", escaped_markup(data["title"].get<std::string>()));
  out += fmt::format("<style>{}</style>\n</head>\n<body>\n", style.text);
  out += fmt::format("<noscript>{}</noscript>\n", escaped_markup(view.words("page.noscript")));
  out += fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n", embedded_json(data));
  out += fmt::format("<script>{}</script>\n</body>\n</html>\n", script.text);
  return out;
}

}  // namespace continuo::explain
