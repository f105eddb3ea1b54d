#include <cmath>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

double bits(double logprob) { return -logprob / std::log(2.0); }

// Of the same tokens as surprisal_bars, once each sees those behind it.
Bars unmasked_bars(const View& view) {
  const Recording& r = view.recording;
  Bars out = surprisal_bars(view, view.words("unmasked.without"));
  for (std::size_t i = 0; i < r.rows(); ++i) {
    Bars::Bar& bar = out.bars[i];
    bar.value = 0;
    bar.shown = "—";
    bar.note.clear();
    if (i == 0 || !r.unmasked.logprobs[i - 1]) continue;
    bar.value = bits(*r.unmasked.logprobs[i - 1]);
    bar.shown = three_digits(bar.value);
    bar.note = "p " + percent(std::exp(*r.unmasked.logprobs[i - 1]));
  }
  return out;
}

double mean(const Bars& bars) {
  double sum = 0;
  for (const Bars::Bar& bar : bars.bars) sum += bar.value;
  return sum / std::max(1.0, double(bars.bars.size()) - 1);
}

Heatmap weights(const View& view, std::string caption, const Grid& values) {
  const auto labels = token_labels(view.recording);
  return {.caption = std::move(caption),
          .row_title = view.words("token"),
          .col_title = view.words("token"),
          .row_labels = labels,
          .col_labels = labels,
          .values = values,
          .scale = Heatmap::Scale::root};
}

}  // namespace

std::vector<Figure> draw_unmasked(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  if (r.both_sides) return {Paragraph{words("unmasked.absent.both"), Paragraph::Kind::absent}};
  if (!r.unmasked.absent.empty())
    return {Paragraph{words("unmasked.absent." + r.unmasked.absent), Paragraph::Kind::absent}};
  Bars with = surprisal_bars(view, words("unmasked.with")), without = unmasked_bars(view);
  std::vector<Figure> figures = {Paragraph{
      words("unmasked.finding", three_digits(mean(with)), three_digits(mean(without))), Paragraph::Kind::finding}};
  figures.emplace_back(std::move(with));
  figures.emplace_back(std::move(without));
  if (!r.unmasked.weights || view.layer >= r.layers.size() || !r.layers[view.layer].attention) return figures;
  const auto& heads = r.layers[view.layer].attention->heads;
  if (view.head >= heads.size()) return figures;
  figures.emplace_back(weights(view, words("unmasked.weights.with", view.layer, view.head), heads[view.head].weights));
  figures.emplace_back(weights(view, words("unmasked.weights.without", view.layer, view.head), *r.unmasked.weights));
  return figures;
}

}  // namespace continuo::explain
