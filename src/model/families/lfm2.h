// What LFM2 and its mixture of experts share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// Attention with norms of queries and keys in the layers that the file says, gated short convolutions in the
// others.
Result<void> set_lfm2_mixers(const HyperParameters& parameters, ModelSpec& spec);

}  // namespace continuo
