// How the text would have gone on with the runner-up.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/explain.h"
#include "layers/forward.h"

namespace continuo::explain {

// A text that has gone through the network.
struct TextRun {
  ForwardPass& forward;
  StatePools& pools;       // of this state and of others beside it
  SequenceState& state;    // remembers whatever was run last
  const Snapshot& before;  // the state before the window
  const Snapshot& after;   // the state behind it
  const Question& question;
  const ModelSpec& spec;
};

// The state as after the first `length` tokens of the text, inside the window or at its ends. A recurrent state is computed
// again from the window's beginning.
void go_back(const TextRun& run, std::size_t length);

// For each row the best token that does not follow it in the text, and the greedy continuation from there.
Result<void> continue_otherwise(const TextRun& run, Recording& recording, const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
