// continuo score with an encoder: each token masked in turn and scored by what stands on both sides of it.
#pragma once

#include <atomic>

#include "base/error.h"
#include "cli/options.h"
#include "loading/loaded_model.h"

namespace continuo {

Result<void> run_masked_score(const Options& options, const LoadedModel& model, const std::atomic<bool>& interrupted);

}  // namespace continuo
