// What the versions of RWKV have in common: names and the order of a block.
#pragma once

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

// Sizes, norms and layers without their mixers and feed-forward parts.
Result<ModelSpec> rwkv_spec(const HyperParameters& parameters);
// Width of the channel mixing's hidden layer: stated, or `fallback`.
Result<int> rwkv_d_ff(const HyperParameters& parameters, int fallback);
// n_heads and head_dim of d_model, an error if they do not fit.
Result<void> set_rwkv_heads(const HyperParameters& parameters, int head_dim, RwkvSpec& spec);

}  // namespace continuo
