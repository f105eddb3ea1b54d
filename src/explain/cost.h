// What a text costs: operations, bytes, time.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/explain.h"

namespace continuo::explain {

// Multiplications and additions of running the tokens [from, to) behind what is remembered, scans included, norms and
// activations left out.
double operations(const Model& model, std::size_t from, std::size_t to);

// Operations by length; then time by part and by length, as far as the question wants them.
Result<void> measure_cost(const Machine& machine, const Question& question, Recording& recording,
                          const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
