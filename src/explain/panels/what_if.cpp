#include <algorithm>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::vector<Bars::Bar> bars_of(const View& view, const std::vector<Guess>& guesses) {
  std::vector<Bars::Bar> bars;
  for (const Guess& guess : guesses) {
    bars.push_back({.label = name(view.recording, guess.id),
                    .value = guess.probability,
                    .shown = percent(guess.probability),
                    .note = "",
                    .marked = guess.id == view.recording.what_if.before.front().id});
  }
  return bars;
}

SwitchesFigure::Switch switch_of(const View& view, const Ablation& out, std::string label, std::string title) {
  const TokenId before = view.recording.what_if.before.front().id;
  return {.label = std::move(label),
          .title = std::move(title),
          .bars = bars_of(view, out.best),
          .line = view.words("what_if.line", name(view.recording, before), percent(out.answer),
                             three_digits(out.divergence)),
          .effect = out.divergence,
          .changes = out.best.front().id != before};
}

// The parts of a kind that change the next token most.
Table strongest(const View& view, const SwitchesFigure::Group& group) {
  constexpr std::size_t kShown = 6;
  Table table{.caption = group.title,
              .head = {view.words("what_if.without"), view.words("what_if.then"), view.words("what_if.effect")},
              .rows = {},
              .numeric = {false, false, true},
              .positions = {}};
  std::vector<const SwitchesFigure::Switch*> order;
  for (const auto& one : group.switches) order.push_back(&one);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->effect > b->effect; });
  for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i) {
    std::string then;
    for (const Bars::Bar& bar : order[i]->bars) then += (then.empty() ? "" : ", ") + bar.label + " " + bar.shown;
    table.rows.push_back({order[i]->title, then, three_digits(order[i]->effect)});
  }
  return table;
}

}  // namespace

std::vector<Figure> draw_what_if(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const WhatIf& w = r.what_if;
  if (w.before.empty()) return {Paragraph{words("what_if.absent"), Paragraph::Kind::absent}};
  SwitchesFigure figure{
      .caption = words("what_if.caption", token_labels(r).back()), .before = bars_of(view, w.before), .groups = {}};
  const auto labels = token_labels(r);
  SwitchesFigure::Group tokens{words("what_if.tokens"), {}}, layers{words("what_if.layers"), {}},
      heads{words("what_if.heads"), {}};
  for (const Ablation& out : w.tokens)
    tokens.switches.push_back(
        switch_of(view, out, labels[out.row], fmt::format("{} ({})", labels[out.row], r.from + out.row)));
  for (const Ablation& out : w.layers)
    layers.switches.push_back(switch_of(view, out, std::to_string(out.layer), words("layer.n", out.layer)));
  std::vector<Ablation> in_order = w.heads;
  std::sort(in_order.begin(), in_order.end(), [](const Ablation& a, const Ablation& b) {
    return std::pair(a.layer, a.head) < std::pair(b.layer, b.head);
  });
  for (const Ablation& out : in_order) {
    heads.switches.push_back(
        switch_of(view, out, fmt::format("{}.{}", out.layer, out.head), words("attention.large", out.layer, out.head)));
  }
  std::vector<Figure> figures;
  std::size_t changing = 0, all = 0;
  for (SwitchesFigure::Group* group : {&tokens, &layers, &heads}) {
    if (group->switches.empty()) continue;
    changing += static_cast<std::size_t>(
        std::count_if(group->switches.begin(), group->switches.end(), [](const auto& one) { return one.changes; }));
    all += group->switches.size();
    figures.emplace_back(strongest(view, *group));
    figure.groups.push_back(std::move(*group));
  }
  std::vector<Figure> out = {Paragraph{words("what_if.finding", changing, all), Paragraph::Kind::finding}};
  if (!w.complete)
    out.emplace_back(
        Paragraph{words("what_if.incomplete", w.tokens.size(), w.layers.size(), w.heads.size(), w.n_heads)});
  out.emplace_back(std::move(figure));
  out.insert(out.end(), std::make_move_iterator(figures.begin()), std::make_move_iterator(figures.end()));
  return out;
}

}  // namespace continuo::explain
