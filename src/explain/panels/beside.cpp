#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::string label_of(const View& view, char letter, const Recording& r) {
  std::string text;
  for (const TokenRecord& token : r.tokens) text += token.special ? "" : token.text;
  return view.words("beside.label", std::string(1, letter), short_name(r.model), fit(visible(text), 60));
}

// Bits for each byte of the text: what two models can be compared by, however they cut it.
std::string bits_per_byte(const Recording& r) {
  double nats = 0, bytes = 0;
  for (std::size_t i = 0; i < r.outputs.size(); ++i) {
    const std::size_t about = r.both_sides ? i : i + 1;
    if (about >= r.rows() || !r.outputs[i].logprob || r.tokens[about].special) continue;
    nats -= *r.outputs[i].logprob;
    bytes += double(r.tokens[about].text.size());
  }
  return bytes > 0 ? three_digits(nats / std::log(2.0) / bytes) : "";
}

Table summary(const View& view, const Recording& a, const Recording& b) {
  const Words& words = view.words;
  const auto sees = [&](const Recording& r) { return words(r.both_sides ? "beside.sees.both" : "beside.sees.left"); };
  const auto perplexity = [&](const Recording& r) { return r.perplexity ? three_digits(*r.perplexity) : ""; };
  return {.caption = words("beside.summary"),
          .head = {"", "A", "B"},
          .rows = {{words("beside.sees"), sees(a), sees(b)},
                   {words("cost.length"), std::to_string(a.text_tokens), std::to_string(b.text_tokens)},
                   {words("beside.perplexity"), perplexity(a), perplexity(b)},
                   {words("beside.bits"), bits_per_byte(a), bits_per_byte(b)}},
          .numeric = {false, true, true},
          .positions = {}};
}

std::string nth_guess(const Recording& r, std::size_t i) {
  if (r.outputs.empty() || r.both_sides || i >= r.outputs.back().guesses.size()) return "";
  const Guess& guess = r.outputs.back().guesses[i];
  return name(r, guess.id) + "  " + percent(guess.probability);
}

Table next_words(const View& view, const Recording& a, const Recording& b) {
  constexpr std::size_t kShown = 8;
  Table table{.caption = view.words("beside.next"),
              .head = {view.words("text.rank"), "A", "B"},
              .rows = {},
              .numeric = {true, false, false},
              .positions = {}};
  for (std::size_t i = 0; i < kShown; ++i)
    table.rows.push_back({std::to_string(i + 1), nth_guess(a, i), nth_guess(b, i)});
  return table;
}

// The head that is drawn large, where the model has it.
void draw_head(const View& view, char letter, const Recording& r, std::vector<Figure>& figures) {
  if (view.layer >= r.layers.size() || !r.layers[view.layer].attention) return;
  const auto& heads = r.layers[view.layer].attention->heads;
  if (view.head >= heads.size()) return;
  const auto labels = token_labels(r);
  figures.emplace_back(Heatmap{.caption = view.words("beside.head", std::string(1, letter), view.layer, view.head),
                               .row_title = view.words("token"),
                               .col_title = view.words("token"),
                               .row_labels = labels,
                               .col_labels = labels,
                               .values = heads[view.head].weights,
                               .scale = Heatmap::Scale::root});
}

}  // namespace

std::vector<Figure> draw_beside(const View& view) {
  const Recording& a = view.recording;
  const Words& words = view.words;
  if (!a.beside) return {Paragraph{words("beside.absent"), Paragraph::Kind::absent}};
  const Recording& b = *a.beside;
  std::vector<Figure> figures = {Paragraph{label_of(view, 'A', a)}, Paragraph{label_of(view, 'B', b)},
                                 summary(view, a, b)};
  if (!a.both_sides || !b.both_sides) figures.emplace_back(next_words(view, a, b));
  const auto surprisal = [&](char letter, const Recording& r) {
    if (r.outputs.empty()) return;
    const View own{r, words, view.layer, view.head};
    figures.emplace_back(surprisal_bars(
        own, words(r.both_sides ? "beside.surprisal.both" : "beside.surprisal.left", std::string(1, letter))));
  };
  surprisal('A', a);
  surprisal('B', b);
  draw_head(view, 'A', a, figures);
  draw_head(view, 'B', b, figures);
  return figures;
}

}  // namespace continuo::explain
