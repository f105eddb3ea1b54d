// What families with gated delta nets share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

struct DeltaNetDefaults {
  int n_key_heads = 16, n_value_heads = 32, key_dim = 128;
  int value_dim = 128;  // 0: twice key_dim
};
// Sizes of heads and of the convolution. An error if their products are larger than any model's.
Result<DeltaNetSpec> delta_net_spec(const HyperParameters& parameters, const DeltaNetDefaults& defaults);

// Which layers have full attention, and not a delta net: those that "layer_types" says, else every
// `interval`-th.
Result<std::vector<bool>> full_attention_layers(const HyperParameters& parameters, std::size_t n_layers, int interval);

}  // namespace continuo
