#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

double bits(double logprob) { return -logprob / std::log(2.0); }

Bars surprisal(const View& view) {
  const Recording& r = view.recording;
  const auto labels = token_labels(r);
  Bars out{.caption = view.words("text.surprisal"), .bars = {}, .by_position = true};
  for (std::size_t i = 0; i < r.rows(); ++i) {
    Bars::Bar bar{.label = labels[i], .value = 0, .shown = "—", .note = ""};
    if (i > 0 && r.outputs[i - 1].logprob) {
      const double logprob = *r.outputs[i - 1].logprob;
      bar.value = bits(logprob);
      bar.shown = three_digits(bar.value);
      bar.note =
          fmt::format("p {}, {} {}", percent(std::exp(logprob)), view.words("text.rank"), *r.outputs[i - 1].rank + 1);
    }
    bar.marked = r.tokens[i].generated;
    out.bars.push_back(std::move(bar));
  }
  return out;
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
              .head = {words("token"), words("text.follows"), words("text.rank"), words("text.entropy"),
                       words("text.guesses"), words("text.otherwise")},
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

std::vector<Figure> draw_text(const View& view) {
  const Recording& r = view.recording;
  std::vector<Figure> figures;
  if (r.perplexity) {
    const std::string perplexity = three_digits(*r.perplexity);
    figures.emplace_back(Paragraph{view.words("text.finding", perplexity, perplexity), Paragraph::Kind::finding});
  }
  figures.emplace_back(surprisal(view));
  figures.emplace_back(others(view));
  return figures;
}

}  // namespace continuo::explain
