// What the GLM families share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// Llama with gates and ups in one matrix, biases of queries, keys and values, and a part of each head that turns, whose
// neighbouring values are pairs.
Result<ModelSpec> glm_spec(const HyperParameters& parameters);

inline constexpr TensorName kGlmGateUp = {Role::ffn_gate_up, "*layers.#.mlp.gate_up_proj.weight"};
inline constexpr TensorName kGlmGgufGateUp = {Role::ffn_gate_up, "blk.#.ffn_up.weight"};

}  // namespace continuo
