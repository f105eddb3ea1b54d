#include <algorithm>
#include <numeric>

#include "base/grouped.h"
#include "explain/explain.h"
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

std::span<const float> last_logits(const Recording& r) { return {&r.logits.at(r.logits.rows - 1, 0), r.vocab_size}; }

// All scores, for sliders: the best by name, the others counted in steps.
SamplerFigure sampler(const View& view) {
  constexpr double kStep = 0.05;
  const Recording& r = view.recording;
  const auto logits = last_logits(r);
  SamplerFigure figure{.caption = view.words("sampler.caption"), .scores = {}, .rest = {}, .vocab_size = r.vocab_size};
  const auto best = best_guesses(logits, kNamedLogits);
  for (const Guess& guess : best) {
    figure.scores.push_back({name(r, guess.id), logits[static_cast<std::size_t>(guess.id)]});
  }
  figure.rest_top = figure.scores.back().logit;
  figure.rest_step = kStep;
  std::vector<bool> named(logits.size());
  for (const Guess& guess : best) named[static_cast<std::size_t>(guess.id)] = true;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (named[id]) continue;
    const double below = (figure.rest_top - double(logits[id])) / kStep;
    constexpr double kMostSteps = 2000;  // 100 below the last named one: nothing is left of such scores
    const auto step = static_cast<std::size_t>(std::min(below, kMostSteps));
    if (figure.rest.size() <= step) figure.rest.resize(step + 1);
    ++figure.rest[step];
  }
  return figure;
}

Steps::Step logits_step(const View& view) {
  const Recording& r = view.recording;
  Steps::Step step{.title = view.words("output.logits"),
                   .line = view.words("output.logits.line", grouped(r.vocab_size)),
                   .bars = bars_of(view, r.ladder.logits_best),
                   .dropped = {}};
  // Only differences matter, so bars have to begin somewhere: at the mean of all scores.
  const std::span<const float> logits = last_logits(r);
  const double mean = std::accumulate(logits.begin(), logits.end(), 0.0) / double(logits.size());
  for (Bars::Bar& bar : step.bars) {
    bar.shown = three_digits(bar.value);
    bar.value = std::max(0.0, bar.value - mean);
  }
  step.line += " " + view.words("output.logits.mean", three_digits(mean));
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
  if (r.ladder.logits_best.empty())
    return {Paragraph{words(r.both_sides ? "output.both_sides" : "output.absent"), Paragraph::Kind::absent}};
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
  SamplerFigure figure = sampler(view);
  figure.temperature = double(r.ladder.temperature);
  figure.top_k = r.ladder.top_k;
  figure.top_p = double(r.ladder.top_p);
  return {Paragraph{words("output.after", token_labels(r).back())}, std::move(steps), std::move(figure)};
}

}  // namespace continuo::explain
