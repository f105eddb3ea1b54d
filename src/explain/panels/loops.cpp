#include <algorithm>

#include "explain/loop_record.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kShown = 4;  // guesses of a cell

// The guess after each loop, the last on top.
CellGrid grid(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  CellGrid out{.caption = words("loops.grid"),
               .row_title = words("loop"),
               .row_labels = {},
               .col_labels = token_labels(r),
               .cells = {},
               .col_facts = {}};
  for (const RowOutput& output : r.outputs)
    out.col_facts.push_back({{words("lens.final"), name(r, output.guesses.front().id)}});
  for (std::size_t i = r.loops.size(); i-- > 0;) {
    out.row_labels.push_back(std::to_string(i + 1));
    for (std::size_t row = 0; row < r.rows(); ++row) {
      const LoopRow& at = r.loops[i].rows[row];
      const Guess& best = at.guesses.front();
      CellGrid::Cell cell{.text = name(r, best.id),
                          .shade = best.probability,
                          .marked = best.id == r.outputs[row].guesses.front().id,
                          .facts = {}};
      for (std::size_t k = 0; k < std::min(kShown, at.guesses.size()); ++k)
        cell.facts.emplace_back(name(r, at.guesses[k].id), percent(at.guesses[k].probability));
      if (at.kl) cell.facts.emplace_back(words("loops.kl"), three_digits(*at.kl));
      if (at.change) cell.facts.emplace_back(words("loops.change"), percent(*at.change));
      if (at.gate_sum) cell.facts.emplace_back(words("loops.gate"), percent(*at.gate_sum));
      out.cells.push_back(std::move(cell));
    }
  }
  return out;
}

double mean(const LoopRecord& loop, std::optional<double> LoopRow::*value) {
  double sum = 0;
  for (const LoopRow& row : loop.rows) sum += (row.*value).value_or(0);
  return sum / double(loop.rows.size());
}

// Means over the rows, loop by loop.
Table means(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const bool gate = r.loops.front().rows.front().lambda.has_value();
  Table table{.caption = words("loops.means"),
              .head = {words("loop"), words("loops.kl"), words("loops.change")},
              .rows = {},
              .numeric = {true, true, true},
              .positions = {}};
  if (gate) {
    table.head.insert(table.head.end(), {words("loops.lambda"), words("loops.gate")});
    table.numeric.resize(5, true);
  }
  for (std::size_t i = 0; i < r.loops.size(); ++i) {
    const LoopRecord& loop = r.loops[i];
    std::vector<std::string> cells{std::to_string(i + 1), i == 0 ? "" : three_digits(mean(loop, &LoopRow::kl)),
                                   i == 0 ? "" : percent(mean(loop, &LoopRow::change))};
    if (gate) {
      cells.push_back(percent(mean(loop, &LoopRow::lambda)));
      cells.push_back(percent(mean(loop, &LoopRow::gate_sum)));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

// Where each rule would have stopped the rows, and what it would have said.
Table rules(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Table table{.caption = words("loops.rules"),
              .head = {words("loops.rule"), words("loops.mean"), words("loops.last"), words("loops.same")},
              .rows = {},
              .numeric = {false, true, true, true},
              .positions = {}};
  for (const ExitExample& example : exit_examples(r)) {
    std::size_t sum = 0, same = 0;
    for (std::size_t row = 0; row < r.rows(); ++row) {
      sum += example.loops[row];
      const TokenId said = r.loops[example.loops[row] - 1].rows[row].guesses.front().id;
      same += said == r.outputs[row].guesses.front().id ? 1 : 0;
    }
    table.rows.push_back({example.rule, three_digits(double(sum) / double(r.rows())),
                          std::to_string(example.loops.back()), percent(double(same) / double(r.rows()))});
  }
  return table;
}

}  // namespace

std::vector<Figure> draw_loops(const View& view) {
  const Recording& r = view.recording;
  if (r.loops.empty()) return {Paragraph{view.words("loops.none"), Paragraph::Kind::absent}};
  std::size_t settled = 0;  // rows whose best token is there after the first loop
  for (std::size_t row = 0; row < r.rows(); ++row) {
    settled += r.loops.front().rows[row].guesses.front().id == r.outputs[row].guesses.front().id ? 1 : 0;
  }
  return {Paragraph{view.words("loops.finding", r.loops.size(), settled, r.rows()), Paragraph::Kind::finding},
          grid(view), means(view), rules(view)};
}

}  // namespace continuo::explain
