// How a GGUF file says that rotary positions are scaled.
#pragma once

#include "base/error.h"
#include "base/json_fwd.h"

namespace continuo {

struct Checkpoint;

// Sets "rope_theta", "partial_rotary_factor" and "rope_scaling" of a config that has the sizes already.
Result<void> add_gguf_rope(const Checkpoint& file, Json& config);

}  // namespace continuo
