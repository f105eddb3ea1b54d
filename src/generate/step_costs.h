// What a step costs by its number of rows, as measured, and how many rows of drafts are worth it. A step of a
// few rows takes little longer than one of a single row as long as reading the weights is what takes the
// time: how few depends on the machine, the number format and the length of the text, so it is measured as
// the engine runs.
#pragma once

#include <array>
#include <cstddef>

#include "generate/drafter.h"

namespace continuo {

class StepCosts {
 public:
  StepCosts();

  // A step of that many rows took that long.
  void record(std::size_t rows, double seconds);
  // Its expected time, as long as that of a step of `most_rows` at the most.
  double seconds(std::size_t rows) const;
  static constexpr std::size_t most_rows = 16;

  // What a step is expected to give: tokens of so many rows, and the seconds that making drafts takes.
  struct Expected {
    std::size_t rows = 0;
    double tokens = 0, drafting = 0;
  };
  // The number of drafts, at most `most`, that gives the most tokens in the least time, with what it makes of the step;
  // 0 where a step without them does.
  struct DraftLength {
    std::size_t drafts = 0;
    Expected step;
    double rate() const { return step.tokens / seconds; }
    double seconds = 1;
  };
  DraftLength choose_draft_length(const Drafter& drafter, std::size_t most, const Expected& step) const;

 private:
  // Few, so that each is soon known: those at which kernels are at their best.
  static constexpr std::array<std::size_t, 6> kRows{1, 2, 3, 4, 8, most_rows};
  static std::size_t index(std::size_t rows);  // of the least that is not less
  std::array<double, kRows.size()> seconds_;   // 0: not measured
  double expected(std::size_t i) const;
};

}  // namespace continuo
