// The next token once a token, a layer or a head is left out.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/continuations.h"

namespace continuo::explain {

// Operations that are spent on leaving things out, unless there is no limit: what was tried does not depend on the
// machine's speed.
inline constexpr double kWhatIfOperations = 2e11;

// After attribute_logits, which says which heads to try first.
Result<void> leave_parts_out(const TextRun& run, const Machine& machine, Recording& recording,
                             const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
