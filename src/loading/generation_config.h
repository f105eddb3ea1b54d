// How a model wants to be sampled: its generation_config.json.
#pragma once

#include "base/error.h"
#include "sampling/options.h"

namespace continuo {

struct Checkpoint;

// The defaults, where the file says nothing. An error if it gives a value that cannot be meant.
Result<SamplingOptions> generation_defaults(const Checkpoint& checkpoint);

}  // namespace continuo
