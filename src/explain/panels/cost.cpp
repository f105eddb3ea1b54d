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

// A line of counted operations, and the seconds that were measured of it.
struct CurveLine {
  std::string_view name;
  double (*counted)(const WorkPoint&);
  double (*measured)(const CurvePoint&);
};

// `whole`: the line whose longest measured length lies on what was counted for it.
Curves curve(const View& view, std::string_view caption, const std::vector<CurveLine>& lines, const CurveLine& whole) {
  const CostRecord& cost = view.recording.cost;
  Curves curves{.caption = view.words(caption),
                .x_title = view.words("cost.length"),
                .y_title = view.words("cost.operations"),
                .dots_title = view.words("cost.seconds"),
                .lines = {}};
  for (const CurveLine& line : lines) {
    Curves::Line drawn{.name = view.words(line.name), .points = {}, .dots = {}};
    for (const WorkPoint& point : cost.work) {
      if (line.counted(point) > 0) drawn.points.emplace_back(double(point.length), line.counted(point));
    }
    for (const CurvePoint& point : cost.curve) {
      if (line.measured(point) > 0) drawn.dots.emplace_back(double(point.length), line.measured(point));
    }
    if (!drawn.points.empty()) curves.lines.push_back(std::move(drawn));
  }
  for (const WorkPoint& point : cost.work) {
    if (!cost.curve.empty() && point.length == cost.curve.back().length)
      curves.rate = whole.counted(point) / whole.measured(cost.curve.back());
  }
  return curves;
}

// The length from which on attention takes more operations than the feed-forward parts, between two that were counted.
std::optional<std::size_t> overtaken(const std::vector<WorkPoint>& points) {
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double before = points[i - 1].feed - points[i - 1].attention, after = points[i].feed - points[i].attention;
    if (before <= 0 || after > 0) continue;
    const double share = before / (before - after);
    const double length = double(points[i - 1].length) + share * double(points[i].length - points[i - 1].length);
    return static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

// What twice the length costs.
std::string growth(const View& view) {
  const WorkPoint &half = view.recording.cost.work[view.recording.cost.work.size() - 2],
                  &whole = view.recording.cost.work.back();
  std::string text = view.words("cost.growth", half.length, whole.length);
  const auto add = [&](std::string_view key, double before, double after) {
    if (before > 0) text += " " + view.words(key, three_digits(after / before));
  };
  add("cost.growth.attention", half.attention, whole.attention);
  add("cost.growth.scan", half.scan, whole.scan);
  add("cost.growth.other", half.feed + half.other, whole.feed + whole.other);
  return text;
}

void draw_curves(const View& view, std::vector<Figure>& figures) {
  const CostRecord& cost = view.recording.cost;
  const CurveLine read{"cost.whole", [](const WorkPoint& p) { return p.whole(); },
                       [](const CurvePoint& p) { return p.prefill; }};
  const CurveLine next{"cost.cached",
                       [](const WorkPoint& p) { return p.decode_attention + p.decode_scan + p.decode_other; },
                       [](const CurvePoint& p) { return p.decode; }};
  const std::vector<CurveLine> reading = {
      read,
      {"cost.quadratic", [](const WorkPoint& p) { return p.attention; },
       [](const CurvePoint& p) { return p.prefill_attention; }},
      {"cost.scan", [](const WorkPoint& p) { return p.scan; }, [](const CurvePoint& p) { return p.prefill_scan; }},
      {"cost.feed", [](const WorkPoint& p) { return p.feed; }, [](const CurvePoint& p) { return p.prefill_feed; }},
      {"cost.linear", [](const WorkPoint& p) { return p.other; },
       [](const CurvePoint& p) { return p.prefill - p.prefill_attention - p.prefill_scan - p.prefill_feed; }}};
  figures.emplace_back(Paragraph{growth(view), Paragraph::Kind::finding});
  figures.emplace_back(curve(view, "cost.prefill", reading, read));
  if (cost.work.back().attention > 0) {
    const auto crossing = overtaken(cost.work);
    figures.emplace_back(Paragraph{crossing ? view.words("cost.overtakes", *crossing)
                                            : view.words("cost.not_overtaken", cost.work.back().length)});
  }
  if (view.recording.both_sides) return;
  const std::vector<CurveLine> going_on = {
      next,
      {"cost.cached.attention", [](const WorkPoint& p) { return p.decode_attention; },
       [](const CurvePoint& p) { return p.decode_attention; }},
      {"cost.cached.scan", [](const WorkPoint& p) { return p.decode_scan; },
       [](const CurvePoint& p) { return p.decode_scan; }},
      {"cost.uncached", [](const WorkPoint& p) { return p.whole(); }, [](const CurvePoint& p) { return p.prefill; }}};
  figures.emplace_back(curve(view, "cost.decode", going_on, next));
  if (cost.work.back().length > cost.context_length)
    figures.emplace_back(Paragraph{view.words("cost.beyond", cost.context_length)});
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
  if (!cost.work.empty()) draw_curves(view, figures);
  if (!cost.curve_end.empty() && !cost.curve.empty())
    figures.emplace_back(Paragraph{view.words("cost.end." + cost.curve_end, cost.curve.back().length)});
  figures.emplace_back(layers(view));
  return figures;
}

}  // namespace continuo::explain
