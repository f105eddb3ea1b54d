#include <numeric>

#include "explain/loop_record.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

// The ideal early exit: what could be saved if it were known from which layer on the best token stays.
std::vector<Figure> draw_exit(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const EarlyExit exit = early_exit(r);
  if (exit.layers.empty()) return {Paragraph{words("exit.none"), Paragraph::Kind::absent}};
  const std::vector<std::string> labels = token_labels(r);
  Bars bars{.caption = words("exit.layers"), .bars = {}, .by_position = true};
  for (std::size_t row = 0; row < r.rows(); ++row) {
    bars.bars.push_back({.label = labels[row],
                         .value = double(exit.layers[row] + 1) / double(r.layers.size()),
                         .shown = words("layer.n", exit.layers[row]),
                         .note = name(r, r.outputs[row].guesses.front().id)});
  }
  const double sum = double(std::accumulate(exit.layers.begin(), exit.layers.end(), exit.layers.size()));
  return {Paragraph{words("exit.finding", three_digits(sum / double(r.rows())), r.layers.size(), percent(exit.saved),
                          percent(exit.output_share)),
                    Paragraph::Kind::finding},
          std::move(bars)};
}

}  // namespace continuo::explain
