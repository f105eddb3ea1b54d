// How the text would have gone on with the runner-up.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/explain.h"
#include "layers/forward.h"

namespace continuo::explain {

// For each row the best token that does not follow it in the text, and the greedy continuation from there.
// `state` remembers the text up to the window's end; it is rewound again and again, and remembers something
// else afterwards.
Result<void> continue_otherwise(ForwardPass& forward, SequenceState& state, const Question& question,
                                const ModelSpec& spec, Recording& recording,
                                const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
