#include <algorithm>
#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kShown = 14;

std::string label_of(const View& view, const PartShare& part) {
  const Words& words = view.words;
  switch (part.kind) {
    case PartShare::Kind::embedding:
      return words("input");
    case PartShare::Kind::head:
      return words("attribution.head", part.layer, part.head);
    case PartShare::Kind::mixer:
      return words("attribution.mixer", part.layer);
    case PartShare::Kind::feed:
      return words("attribution.feed", part.layer);
    case PartShare::Kind::input:
      return words("attribution.input", part.layer);
    case PartShare::Kind::bias:
      return words("attribution.bias");
    case PartShare::Kind::rest:
      break;
  }
  return words("attribution.rest");
}

// The parts with the largest shares by size, and the sum of the others: all bars add up to `whole`.
Bars bars_of(const View& view, std::string caption, double (*value)(const PartShare&)) {
  std::vector<const PartShare*> parts;
  for (const PartShare& part : view.recording.attribution.parts) parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const PartShare* a, const PartShare* b) { return std::fabs(value(*a)) > std::fabs(value(*b)); });
  Bars bars{.caption = std::move(caption), .bars = {}};
  const auto add = [&](std::string label, double share) {
    bars.bars.push_back(
        {.label = std::move(label), .value = share, .shown = fmt::format("{:+.3f}", share), .note = ""});
  };
  double others = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i < kShown) {
      add(label_of(view, *parts[i]), value(*parts[i]));
    } else {
      others += value(*parts[i]);
    }
  }
  if (parts.size() > kShown) add(view.words("attribution.others", parts.size() - kShown), others);
  return bars;
}

// Layers by heads; the last columns are what else the mixer wrote, and the feed-forward part.
Heatmap map_of(const View& view) {
  const Recording& r = view.recording;
  std::size_t heads = 0;
  for (const PartShare& part : r.attribution.parts) {
    if (part.kind == PartShare::Kind::head) heads = std::max(heads, part.head + 1);
  }
  Heatmap map{.caption = view.words("attribution.map"),
              .row_title = view.words("layer"),
              .col_title = view.words("head"),
              .row_labels = numbers(r.layers.size()),
              .col_labels = numbers(heads),
              .values = Grid(r.layers.size(), heads + 2),
              .scale = Heatmap::Scale::signed_root};
  map.col_labels.push_back(view.words("attribution.col.mixer"));
  map.col_labels.push_back(view.words("attribution.col.feed"));
  for (const PartShare& part : r.attribution.parts) {
    const auto share = static_cast<float>(part.answer - part.rival);
    if (part.kind == PartShare::Kind::head) map.values.at(part.layer, part.head) = share;
    if (part.kind == PartShare::Kind::mixer) map.values.at(part.layer, heads) = share;
    if (part.kind == PartShare::Kind::feed) map.values.at(part.layer, heads + 1) = share;
  }
  return map;
}

}  // namespace

std::vector<Figure> draw_attribution(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const Attribution& a = r.attribution;
  if (a.parts.empty()) {
    const std::string_view reason = a.absent.empty() ? "attribution.absent.none" : std::string_view();
    return {
        Paragraph{reason.empty() ? words("attribution.absent." + a.absent) : words(reason), Paragraph::Kind::absent}};
  }
  const auto difference = [](const PartShare& part) { return part.answer - part.rival; };
  const auto most = std::max_element(a.parts.begin(), a.parts.end(), [&](const PartShare& x, const PartShare& y) {
    return difference(x) < difference(y);
  });
  const std::string answer = name(r, a.answer.id), rival = name(r, a.rival.id);
  return {Paragraph{words("attribution.finding", answer, percent(a.answer.probability), rival, label_of(view, *most),
                          three_digits(a.answer_logit - a.rival_logit), three_digits(difference(*most))),
                    Paragraph::Kind::finding},
          map_of(view),
          bars_of(view, words("attribution.difference", answer, rival, three_digits(a.answer_logit - a.rival_logit)),
                  difference),
          bars_of(view, words("attribution.answer", answer, three_digits(a.answer_logit)),
                  [](const PartShare& part) { return part.answer; })};
}

}  // namespace continuo::explain
