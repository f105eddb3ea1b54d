#include <algorithm>

#include "base/grouped.h"
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
                    .note = std::to_string(guess.id),
                    .marked = view.recording.ladder.drawn == guess.id});
  }
  return bars;
}

Steps::Step logits_step(const View& view) {
  const Recording& r = view.recording;
  Steps::Step step{.title = view.words("output.logits"),
                   .line = view.words("output.logits.line", grouped(r.vocab_size)),
                   .bars = bars_of(view, r.ladder.logits_best),
                   .dropped = {}};
  // Bars of scores begin at the least that is shown, so that differences can be seen.
  const double least = r.ladder.logits_best.back().probability, most = r.ladder.logits_best.front().probability;
  for (Bars::Bar& bar : step.bars) {
    bar.shown = three_digits(bar.value);
    bar.value = most > least ? (bar.value - least) / (most - least) : 1;
  }
  return step;
}

std::string line_of(const View& view, const LadderStage& stage, float temperature) {
  const Words& words = view.words;
  if (!stage.active) return words("output.off");
  if (stage.name == "temperature" || stage.name == "dynamic temperature") {
    return stage.kept == 1 && temperature == 0 ? words("output.greedy.line")
                                               : words("output.temperature.line", temperature, grouped(stage.kept));
  }
  if (stage.mass < 1 || stage.removed > 0) {
    return words("output.removed", grouped(stage.removed), grouped(stage.kept), percent(stage.mass));
  }
  if (stage.changed > 0) return words("output.changed", stage.changed);
  return words("output.removed", 0, grouped(stage.kept), percent(stage.mass));
}

}  // namespace

std::vector<Figure> draw_output(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Steps steps{.steps = {logits_step(view)}, .draw_title = words("output.draw"), .draw_line = ""};
  for (const LadderStage& stage : r.ladder.stages) {
    steps.steps.push_back({.title = words("stage." + stage.name),
                           .line = line_of(view, stage, r.ladder.temperature),
                           .active = stage.active,
                           .bars = stage.active ? bars_of(view, stage.best) : std::vector<Bars::Bar>(),
                           .dropped = bars_of(view, stage.dropped)});
  }
  if (!r.ladder.drawn) {
    steps.draw_line = words("output.draw.none");
  } else if (r.ladder.greedy) {
    steps.draw_line = words("output.draw.greedy", name(r, *r.ladder.drawn));
  } else {
    steps.number = r.ladder.number;
    steps.from = r.ladder.from;
    steps.to = r.ladder.to;
    steps.draw_line =
        words("output.draw.line", fmt::format("{:.4f}", r.ladder.number), fmt::format("{:.4f}", r.ladder.from),
              fmt::format("{:.4f}", r.ladder.to), name(r, *r.ladder.drawn));
  }
  return {Paragraph{words("output.after", token_labels(r).back())}, std::move(steps)};
}

}  // namespace continuo::explain
