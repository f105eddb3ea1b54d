// Sampling options resolved: typed, else the model's generation_config.json, else the defaults.
#pragma once

#include "base/error.h"
#include "cli/options.h"
#include "sampling/options.h"

namespace continuo {

struct Checkpoint;

// What can be said against the typed options before a model is read.
Result<void> validate_typed(const Options& options);

// An error if the file gives a value that cannot be meant.
Result<SamplingOptions> generation_defaults(const Checkpoint& checkpoint);
Result<SamplingOptions> resolve_sampling(const Options& options, const Checkpoint& checkpoint);

}  // namespace continuo
