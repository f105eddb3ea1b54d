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
  SequenceState& state;    // remembers the text up to the window's end, and something else afterwards
  const Snapshot& before;  // the state before the window
  const Question& question;
  const ModelSpec& spec;
};

// For each row the best token that does not follow it in the text, and the greedy continuation from there.
Result<void> continue_otherwise(const TextRun& run, Recording& recording, const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
