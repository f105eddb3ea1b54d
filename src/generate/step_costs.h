// What a step costs by its number of rows, as measured, and how many rows of drafts are worth it. A step of a
// few rows takes little longer than one of a single row as long as reading the weights is what takes the
// time: how few depends on the machine, the number format and the length of the text, so it is measured as
// the engine runs.
#pragma once

#include <array>
#include <cstddef>

#include "generate/prompt_lookup.h"

namespace continuo {

class StepCosts {
 public:
  StepCosts();

  // A step of that many rows took that long.
  void record(std::size_t rows, double seconds);
  // Its expected time, as long as that of a step of `most_rows` at the most.
  double seconds(std::size_t rows) const;
  static constexpr std::size_t most_rows = 16;

  // The number of drafts, at most `most`, that gives the most tokens in the least time, when a step of `rows`
  // rows is expected to give `tokens`. Adds to both what the drafts add.
  std::size_t worth(const PromptLookup& lookup, std::size_t most, std::size_t& rows, double& tokens) const;

 private:
  // Few, so that each is soon known: those at which kernels are at their best.
  static constexpr std::array<std::size_t, 6> kRows{1, 2, 3, 4, 8, most_rows};
  static std::size_t index(std::size_t rows);  // of the least that is not less
  std::array<double, kRows.size()> seconds_;   // 0: not measured
  double expected(std::size_t i) const;
};

}  // namespace continuo
