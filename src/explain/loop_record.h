// What is seen of a network with loops after each of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explain/recording.h"
#include "layers/probe.h"

namespace continuo::explain {

// Reads one loop after the other; it remembers the loop before.
class LoopReader {
 public:
  // As Listener::looped.
  LoopRecord read(std::size_t loop, std::span<const float> logits, RowsView x, std::span<const float> lambdas);

 private:
  std::vector<float> logits_, x_;  // of the loop before, all rows
  std::vector<double> survival_;   // of each row: product of all (1 - lambda)
};

// Where a rule (as --exit-when takes it) would have stopped a row: the loop, from 1. `limit` as ExitRule has it.
struct ExitExample {
  std::string rule;
  std::vector<std::size_t> loops;  // of each row
};
// The usual rules, each with the loops after which the rows would have stopped; gate where there is one.
std::vector<ExitExample> exit_examples(const Recording& recording);

// Of networks with or without loops: for each row the first layer (as they are gone through) from which on the best
// token never changes, and what it would save at the most if it were known: the share of the bytes of weights that a
// token reads, the output matrix read once.
struct EarlyExit {
  std::vector<std::size_t> layers;
  double output_share = 0;  // of those bytes: the output matrix
  double saved = 0;         // mean over rows
};
EarlyExit early_exit(const Recording& recording);

}  // namespace continuo::explain
