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

// Row after row; of a causal head the lower triangle.
std::string weights_packed(const Grid& weights, bool square) {
  std::string packed;
  for (std::size_t i = 0; i < weights.rows; ++i) {
    for (std::size_t j = 0; j < (square ? weights.cols : i + 1); ++j) pack(weight_code(weights.at(i, j)), packed);
  }
  return packed;
}

// The same in one character each: 0 for less than 10^-4, else 1..90 on a logarithmic scale up to 1, each step an eleventh
// part more. Cells stand for blocks of `block` x `block` weights, the largest of each.
std::string weights_coded(const Grid& weights, bool square, std::size_t block) {
  const std::size_t n = (weights.rows + block - 1) / block;
  std::vector<float> largest(n * n);
  for (std::size_t i = 0; i < weights.rows; ++i) {
    for (std::size_t j = 0; j < weights.cols; ++j) {
      float& cell = largest[i / block * n + j / block];
      if (weights.at(i, j) > cell) cell = weights.at(i, j);
    }
  }
  std::string coded;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < (square ? n : i + 1); ++j) {
      const double decades = std::log10(std::clamp(double(largest[i * n + j]), 1e-9, 1.0));
      const double code = 90 + decades * 89 / 4;
      coded += alphabet()[code < 0.5 ? 0 : static_cast<std::size_t>(std::lround(code))];
    }
  }
  return coded;
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
  constexpr std::string_view kScales[] = {"plain", "diverging", "logarithmic", "root", "signed_root"};
  // Where factors matter, every value has three digits.
  Json list = Json::array();
  if (m.scale == Heatmap::Scale::logarithmic) {
    for (const float value : m.values.values) list.push_back(number(value));
  }
  return {{"kind", "heatmap"},
          {"scale", kScales[static_cast<std::size_t>(m.scale)]},
          {"caption", m.caption},
          {"row_title", m.row_title},
          {"col_title", m.col_title},
          {"row_labels", m.row_labels},
          {"col_labels", m.col_labels},
          {"values", list.empty() ? decimals_json(m.values, 6) : Json{{"list", std::move(list)}}}};
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

Json points_json(const std::vector<std::pair<double, double>>& points) {
  Json out = Json::array();
  for (const auto& [x, y] : points) out.push_back({x, number(y)});
  return out;
}

Json json_of(const Curves& c) {
  Json lines = Json::array();
  for (const Curves::Line& line : c.lines) {
    lines.push_back({{"name", line.name}, {"points", points_json(line.points)}, {"dots", points_json(line.dots)}});
  }
  return {{"kind", "curves"},           {"caption", c.caption}, {"x_title", c.x_title},     {"y_title", c.y_title},
          {"dots_title", c.dots_title}, {"rate", c.rate},       {"lines", std::move(lines)}};
}

Json json_of(const SamplerFigure& s) {
  Json labels = Json::array(), logits = Json::array();
  for (const SamplerFigure::Score& score : s.scores) {
    labels.push_back(score.label);
    logits.push_back(Json::parse(fmt::format("{:.4f}", score.logit)));
  }
  return {{"kind", "sampler"},
          {"caption", s.caption},
          {"labels", std::move(labels)},
          {"logits", std::move(logits)},
          {"rest_top", s.rest_top},
          {"rest_step", s.rest_step},
          {"rest", s.rest},
          {"temperature", s.temperature},
          {"top_k", s.top_k},
          {"top_p", s.top_p},
          {"vocab_size", s.vocab_size}};
}

Json json_of(const LoopFigure& f) {
  Json steps = Json::array();
  for (const LoopFigure::Step& step : f.steps) {
    steps.push_back(
        {{"bars", bars_json(step.bars)}, {"next", step.next}, {"line", step.line}, {"generated", step.generated}});
  }
  return {
      {"kind", "loop"}, {"caption", f.caption}, {"labels", f.labels}, {"first", f.first}, {"steps", std::move(steps)}};
}

Json json_of(const SwitchesFigure& f) {
  Json groups = Json::array();
  for (const SwitchesFigure::Group& group : f.groups) {
    Json switches = Json::array();
    for (const SwitchesFigure::Switch& one : group.switches) {
      switches.push_back({{"label", one.label},
                          {"title", one.title},
                          {"bars", bars_json(one.bars)},
                          {"line", one.line},
                          {"effect", number(one.effect)},
                          {"changes", one.changes}});
    }
    groups.push_back({{"title", group.title}, {"switches", std::move(switches)}});
  }
  return {{"kind", "switches"}, {"caption", f.caption}, {"before", bars_json(f.before)}, {"groups", std::move(groups)}};
}

Json json_of(const TreeFigure& f) {
  Json nodes = Json::array();
  for (const TreeFigure::Node& node : f.nodes) {
    nodes.push_back({{"label", node.label},
                     {"shown", node.shown},
                     {"probability", number(node.probability)},
                     {"parent", node.parent ? Json(*node.parent) : Json()}});
  }
  return {{"kind", "tree"}, {"caption", f.caption}, {"root", f.root}, {"nodes", std::move(nodes)}};
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

// ---- attention: of all heads the weights, coarsely; all else of as many heads as there is room for ----

std::string kv_key(const AttentionMaps::Head& head) { return fmt::format("{}.{}", head.layer, head.record->kv_head); }

// The heads in the order in which their numbers are put in: the one drawn large, the best examples, its layer, all others.
std::vector<std::size_t> by_importance(const AttentionMaps& m) {
  std::vector<std::size_t> order = {m.chosen};
  for (const AttentionMaps::Example& example : m.examples) order.push_back(example.head);
  for (std::size_t i = 0; i < m.heads.size(); ++i) {
    if (m.heads[i].layer == m.heads[m.chosen].layer) order.push_back(i);
  }
  for (std::size_t i = 0; i < m.heads.size(); ++i) order.push_back(i);
  return order;
}

// Scores, exact weights and vectors of heads, in at most about `room` bytes, but in any case those of one head.
void add_details(const AttentionMaps& m, std::size_t room, Json& figure) {
  Json details = Json::object(), caches = Json::object();
  for (const std::size_t i : by_importance(m)) {
    const AttentionMaps::Head& head = m.heads[i];
    const std::string key = std::to_string(i), cache = kv_key(head);
    if (details.contains(key)) continue;
    const std::size_t n = m.labels.size(), width = head.record->queries.cols;
    const std::size_t weights = m.both_sides ? n * n : n * (n + 1) / 2;
    const std::size_t bytes = 2 * (n * n + weights + n * width) + (caches.contains(cache) ? 0 : 4 * n * width) + 300;
    if (bytes > room && !details.empty()) break;
    room -= std::min(room, bytes);
    details[key] = {{"scores", decimals_json(head.record->scores, 2)},
                    {"weights", weights_packed(head.record->weights, m.both_sides)},
                    {"q", decimals_json(head.record->queries, 5)}};
    if (!caches.contains(cache))
      caches[cache] = {{"k", decimals_json(head.keys(), 5)}, {"v", decimals_json(head.values(), 5)}};
  }
  figure["details"] = std::move(details);
  figure["caches"] = std::move(caches);
}

// The lengths of each head of keys' values.
Json value_lengths(const AttentionMaps& m) {
  Json out = Json::object();
  for (const AttentionMaps::Head& head : m.heads) {
    const std::string key = kv_key(head);
    if (out.contains(key)) continue;
    const Grid& values = head.values();
    Json lengths = Json::array();
    for (std::size_t row = 0; row < values.rows; ++row) {
      double squares = 0;
      for (std::size_t i = 0; i < values.cols; ++i) squares += double(values.at(row, i)) * double(values.at(row, i));
      lengths.push_back(number(std::sqrt(squares)));
    }
    out[key] = std::move(lengths);
  }
  return out;
}

Json head_json(const AttentionMaps& m, std::size_t i, std::size_t block) {
  const AttentionMaps::Head& head = m.heads[i];
  const AttentionSpec& spec = head.attention->spec;
  Json values = Json::array();
  for (const auto& fact : head.facts) values.push_back(fact.second);
  const bool same_layer = i > 0 && m.heads[i - 1].layer == head.layer;
  return {{"layer", head.layer},
          {"head", head.head},
          {"cache", kv_key(head)},
          {"new_group", same_layer && m.heads[i - 1].record->kv_head != head.record->kv_head && m.grouped},
          {"kind", kind_key(head.kind)},
          {"window", spec.window},
          {"scale", number(spec.scale)},
          {"adjusted", spec.attn_logit_softcap > 0 || spec.alibi.has_value()},
          {"sink", !head.record->sink.empty()},
          {"facts", std::move(values)},
          {"weights", weights_coded(head.record->weights, m.both_sides, block)}};
}

Json attention_json(const AttentionMaps& m, std::size_t room) {
  const std::size_t n = m.labels.size();
  // Of very many heads neighbouring tokens share a cell.
  std::size_t block = 1;
  while (m.heads.size() * (n / block) * (n / block) / (m.both_sides ? 1 : 2) > room * 7 / 10 && block < n) block *= 2;
  Json heads = Json::array(), names = Json::array(), examples = Json::array();
  for (std::size_t i = 0; i < m.heads.size(); ++i) heads.push_back(head_json(m, i, block));
  for (const auto& fact : m.heads.front().facts) names.push_back(fact.first);
  for (const AttentionMaps::Example& example : m.examples)
    examples.push_back({{"kind", kind_key(example.kind)}, {"head", example.head}, {"share", percent(example.share)}});
  Json figure = {{"kind", "attention"},
                 {"labels", m.labels},
                 {"first", m.first},
                 {"chosen", m.chosen},
                 {"fact_names", std::move(names)},
                 {"without_mask", m.without_mask},
                 {"both_sides", m.both_sides},
                 {"block", block},
                 {"examples", std::move(examples)},
                 {"lengths", value_lengths(m)},
                 {"heads", std::move(heads)}};
  const std::size_t taken = figure.dump(-1, ' ', false, Json::error_handler_t::replace).size();
  add_details(m, room - std::min(room, taken), figure);
  return figure;
}
// It is laid out last, in the room that the others leave.
Json json_of(const AttentionMaps&) { return nullptr; }

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

// The texts that the script itself puts in: those of these groups.
constexpr std::string_view kScriptWords[] = {
    "page.",    "attention.", "kind.",    "memory.all", "memory.large.note", "memory.cell", "memory.measured",
    "sampler.", "loop.",      "what_if.", "token",      "layer.n",           "output.gone", "cost.dots"};

Json script_words(const Words& words) {
  Json table = Json::object();
  for (const Words::Row& row : Words::table()) {
    const auto wanted = [&](std::string_view group) {
      return group.ends_with('.') ? row.key.starts_with(group) : row.key == group;
    };
    if (std::any_of(std::begin(kScriptWords), std::end(kScriptWords), wanted))
      table[std::string(row.key)] = words(row.key);
  }
  return table;
}

// What a page may take, about: as much as a person's mail or a course's site takes without a word.
std::size_t room_of_page(std::size_t tokens) {
  constexpr double kShort = 1.4e6, kLong = 3.8e6;  // of 64 tokens, and of 128
  const double share = std::clamp((double(tokens) - 64) / 64, 0.0, 1.0);
  return static_cast<std::size_t>(kShort + share * (kLong - kShort));
}

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
  std::vector<std::pair<std::size_t, AttentionMaps>> attention;  // by panel
  for (const Panel& panel : panels) {
    const std::string key(panel.name);
    Json figures = Json::array();
    for (Figure& figure : panel.draw(view)) {
      figures.push_back(std::visit([](const auto& kind) { return json_of(kind); }, figure));
      if (auto* const maps = std::get_if<AttentionMaps>(&figure)) attention.emplace_back(list.size(), std::move(*maps));
      if (figures.back().is_null()) figures.back() = {{"kind", "attention"}};
    }
    list.push_back({{"name", key},
                    {"title", words(key + ".title")},
                    {"sentence", words(key + ".sentence")},
                    {"figures", std::move(figures)}});
  }
  const std::size_t taken = list.dump(-1, ' ', false, Json::error_handler_t::replace).size();
  const std::size_t room = room_of_page(r.rows());
  for (auto& [panel, maps] : attention) {
    for (Json& figure : list[panel]["figures"]) {
      if (figure["kind"] == "attention") figure = attention_json(maps, room - std::min(room, taken));
    }
  }
  return {{"title", words("page.title", short_name(r.model))},
          {"rows", r.rows()},
          {"lead", lead_text(r, words)},
          {"foot", words("page.made", page.version)},
          {"from", r.from},
          {"words", script_words(words)},
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
