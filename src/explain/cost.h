// What a text costs: operations, bytes, time.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/explain.h"

namespace continuo::explain {

Result<void> measure_cost(const Machine& machine, const Question& question, Recording& recording,
                          const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
