#include <algorithm>

#include "base/grouped.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

// One row a kind of phase, the layers' added up.
Table phases(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Table table{
      .caption = words("cost.phases", r.rows(), r.cost.threads, r.cost.kernels),
      .head = {words("cost.phase"), words("cost.operations"), words("bytes"), words("cost.time"), words("cost.share")},
      .rows = {},
      .numeric = {false, true, true, true, true},
      .positions = {}};
  std::vector<PhaseCost> kinds;
  double whole = 0;
  for (const PhaseCost& phase : r.cost.phases) {
    whole += phase.seconds;
    const auto known =
        std::find_if(kinds.begin(), kinds.end(), [&](const PhaseCost& kind) { return kind.name == phase.name; });
    if (known == kinds.end()) {
      kinds.push_back(phase);
      continue;
    }
    known->operations += phase.operations;
    known->bytes += phase.bytes;
    known->seconds += phase.seconds;
  }
  for (const PhaseCost& kind : kinds) {
    table.rows.push_back({words("phase." + kind.name), count_text(kind.operations), bytes_text(kind.bytes),
                          seconds_text(kind.seconds), percent(kind.seconds / whole)});
  }
  return table;
}

Table layers(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  constexpr std::string_view kPhases[] = {"projections", "attention", "scan", "feed_forward"};
  Table table{
      .caption = words("cost.layers"), .head = {words("layer")}, .rows = {}, .numeric = {true}, .positions = {}};
  table.rows.assign(r.layers.size(), {});
  for (std::size_t i = 0; i < r.layers.size(); ++i) table.rows[i].push_back(std::to_string(i));
  for (const std::string_view name : kPhases) {
    std::vector<std::string> cells(r.layers.size());
    bool any = false;
    for (const PhaseCost& phase : r.cost.phases) {
      if (phase.name != name || !phase.layer) continue;
      cells[*phase.layer] = seconds_text(phase.seconds);
      any = true;
    }
    if (!any) continue;
    table.head.push_back(words(fmt::format("phase.{}", name)));
    table.numeric.push_back(true);
    for (std::size_t i = 0; i < cells.size(); ++i) table.rows[i].push_back(cells[i]);
  }
  return table;
}

using CurveLine = std::pair<std::string_view, double (*)(const CurvePoint&)>;

Curves curve(const View& view, std::string_view caption, const std::vector<CurveLine>& lines) {
  Curves curves{.caption = view.words(caption),
                .x_title = view.words("cost.length"),
                .y_title = view.words("cost.seconds"),
                .lines = {}};
  for (const auto& [key, value] : lines) {
    Curves::Line line{.name = view.words(key), .points = {}};
    for (const CurvePoint& point : view.recording.cost.curve) {
      line.points.emplace_back(static_cast<double>(point.length), value(point));
    }
    const auto measured = [](const auto& point) { return point.second > 0; };
    if (std::any_of(line.points.begin(), line.points.end(), measured)) curves.lines.push_back(std::move(line));
  }
  return curves;
}

// The length at which attention has overtaken feed-forward, between two measured ones by a straight line.
std::optional<std::size_t> overtaken(const std::vector<CurvePoint>& points) {
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double before = points[i - 1].prefill_feed - points[i - 1].prefill_attention;
    const double after = points[i].prefill_feed - points[i].prefill_attention;
    if (before <= 0 || after > 0) continue;
    const double share = before / (before - after);
    const double length = double(points[i - 1].length) + share * double(points[i].length - points[i - 1].length);
    return static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

// What twice the length costs the parts that look back, between the two longest lengths that were measured.
std::string growth(const View& view) {
  const std::vector<CurvePoint>& points = view.recording.cost.curve;
  if (points.size() < 2) return {};
  const CurvePoint &half = points[points.size() - 2], &whole = points.back();
  std::string text;
  const auto add = [&](std::string_view key, double before, double after) {
    if (before > 0 && after > 0) text += (text.empty() ? "" : " ") + view.words(key, three_digits(after / before));
  };
  add("cost.growth.attention", half.prefill_attention, whole.prefill_attention);
  add("cost.growth.scan", half.prefill_scan, whole.prefill_scan);
  return text.empty() ? text : view.words("cost.growth", half.length, whole.length) + " " + text;
}

void draw_curves(const View& view, std::vector<Figure>& figures) {
  const CostRecord& cost = view.recording.cost;
  const std::size_t longest = cost.curve.back().length;
  figures.emplace_back(
      curve(view, "cost.prefill",
            {{"cost.whole", [](const CurvePoint& p) { return p.prefill; }},
             {"cost.quadratic", [](const CurvePoint& p) { return p.prefill_attention; }},
             {"cost.scan", [](const CurvePoint& p) { return p.prefill_scan; }},
             {"cost.linear", [](const CurvePoint& p) { return p.prefill - p.prefill_attention - p.prefill_scan; }},
             {"cost.feed", [](const CurvePoint& p) { return p.prefill_feed; }}}));
  if (cost.curve.back().prefill_attention > 0) {
    const auto crossing = overtaken(cost.curve);
    figures.emplace_back(
        Paragraph{crossing ? view.words("cost.overtakes", *crossing) : view.words("cost.not_overtaken", longest),
                  Paragraph::Kind::finding});
  }
  if (cost.curve.back().prefill_scan > 0) {
    if (std::string text = growth(view); !text.empty())
      figures.emplace_back(Paragraph{std::move(text), Paragraph::Kind::finding});
  }
  figures.emplace_back(curve(view, "cost.decode",
                             {{"cost.cached", [](const CurvePoint& p) { return p.decode; }},
                              {"cost.cached.attention", [](const CurvePoint& p) { return p.decode_attention; }},
                              {"cost.cached.scan", [](const CurvePoint& p) { return p.decode_scan; }},
                              {"cost.uncached", [](const CurvePoint& p) { return p.prefill; }}}));
  if (longest > cost.context_length) figures.emplace_back(Paragraph{view.words("cost.beyond", cost.context_length)});
}

}  // namespace

std::vector<Figure> draw_cost(const View& view) {
  const Recording& r = view.recording;
  const CostRecord& cost = r.cost;
  std::vector<Figure> figures = {phases(view)};
  const double cached = double(cost.cache_bytes_per_token) * double(r.text_tokens);
  if (cost.cache_bytes_per_token > 0) {
    figures.emplace_back(Paragraph{view.words("cost.cache", grouped(cost.cache_bytes_per_token), bytes_text(cached))});
  }
  if (cost.state_bytes > 0)
    figures.emplace_back(Paragraph{view.words("cost.state", bytes_text(double(cost.state_bytes)))});
  if (!cost.curve.empty()) draw_curves(view, figures);
  if (!cost.curve_end.empty()) {
    figures.emplace_back(
        Paragraph{view.words("cost.end." + cost.curve_end, cost.curve.empty() ? 0 : cost.curve.back().length)});
  }
  figures.emplace_back(layers(view));
  return figures;
}

}  // namespace continuo::explain
