#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

double bits(double logprob) { return -logprob / std::log(2.0); }

// The loop: what was expected after each token, and what came.
LoopFigure loop(const View& view) {
  const Recording& r = view.recording;
  LoopFigure figure{.caption = view.words("loop.caption"), .labels = token_labels(r), .steps = {}};
  for (std::size_t i = 0; i < r.rows(); ++i) {
    const RowOutput& output = r.outputs[i];
    LoopFigure::Step step{.bars = {}, .next = "", .line = ""};
    for (const Guess& guess : output.guesses) {
      step.bars.push_back({.label = name(r, guess.id),
                           .value = guess.probability,
                           .shown = percent(guess.probability),
                           .note = "",
                           .marked = output.next == guess.id});
    }
    if (output.next) {
      step.next = name(r, *output.next);
      step.generated = i + 1 < r.rows() && r.tokens[i + 1].generated;
      step.line = view.words(step.generated ? "loop.drawn" : "loop.given", step.next,
                             percent(std::exp(*output.logprob)), *output.rank + 1);
    } else {
      step.line = view.words("loop.open");
    }
    // Steps begin at the first token that the model chose itself.
    if (step.generated && figure.first == 0) figure.first = i;
    figure.steps.push_back(std::move(step));
  }
  return figure;
}

std::string otherwise(const Recording& r, const RowOutput& output) {
  if (!output.otherwise) return "";
  std::string text = name(r, output.otherwise->first);
  for (const TokenId id : output.otherwise->rest) text += name(r, id);
  return fmt::format("{} ({})", text, percent(output.otherwise->probability));
}

Table others(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Table table{.caption = words("text.others"),
              .head = {words("token"), words(r.both_sides ? "text.stands" : "text.follows"), words("text.rank"),
                       words("text.entropy"), words("text.guesses"), words("text.otherwise")},
              .rows = {},
              .numeric = {false, false, true, true, false, false},
              .positions = {}};
  const auto labels = token_labels(r);
  for (std::size_t i = 0; i < r.rows(); ++i) {
    const RowOutput& output = r.outputs[i];
    table.rows.push_back({labels[i],
                          output.next ? fmt::format("{} {}", name(r, *output.next), percent(std::exp(*output.logprob)))
                                      : words("text.open"),
                          output.rank ? std::to_string(*output.rank + 1) : "", three_digits(output.entropy),
                          guesses_text(r, output.guesses, 3), otherwise(r, output)});
    table.positions.push_back(r.from + i);
  }
  return table;
}

}  // namespace

Bars surprisal_bars(const View& view, std::string caption) {
  const Recording& r = view.recording;
  const auto labels = token_labels(r);
  Bars out{.caption = std::move(caption), .bars = {}, .by_position = true};
  for (std::size_t i = 0; i < r.rows(); ++i) {
    Bars::Bar bar{.label = labels[i], .value = 0, .shown = "—", .note = ""};
    // What is expected at a token is known before it, or, from both sides, at it.
    const RowOutput* const output = r.both_sides ? &r.outputs[i] : i > 0 ? &r.outputs[i - 1] : nullptr;
    if (output && output->logprob) {
      bar.value = bits(*output->logprob);
      bar.shown = three_digits(bar.value);
      bar.note =
          fmt::format("p {}, {} {}", percent(std::exp(*output->logprob)), view.words("text.rank"), *output->rank + 1);
    }
    bar.marked = r.tokens[i].generated;
    out.bars.push_back(std::move(bar));
  }
  return out;
}

std::vector<Figure> draw_text(const View& view) {
  const Recording& r = view.recording;
  if (r.outputs.empty())
    return {Paragraph{view.words(r.has_output ? "text.no_mask" : "text.absent"), Paragraph::Kind::absent}};
  std::vector<Figure> figures;
  if (r.perplexity) {
    const std::string perplexity = three_digits(*r.perplexity);
    figures.emplace_back(
        Paragraph{view.words(r.both_sides ? "text.finding.both" : "text.finding", perplexity, perplexity),
                  Paragraph::Kind::finding});
  }
  figures.emplace_back(surprisal_bars(view, view.words(r.both_sides ? "text.surprisal.both" : "text.surprisal")));
  if (!r.both_sides) figures.emplace_back(loop(view));
  figures.emplace_back(others(view));
  return figures;
}

}  // namespace continuo::explain
