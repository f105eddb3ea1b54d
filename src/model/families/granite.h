// What the Granite families share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// Llama with multipliers on embeddings, scores and residuals, and a divisor of logits.
Result<ModelSpec> granite_spec(const HyperParameters& parameters, const LlamaDefaults& defaults);

// What GGUF files call the divisor of logits.
Result<void> adapt_granite_gguf(const Checkpoint& file, Json& config);
// The multipliers and that divisor.
void write_granite_gguf(const ModelSpec& spec, GgufNumbers& into);

// Experts with their gates and ups in one tensor: as published, and as transformers 5 keeps them.
inline constexpr TensorName kGraniteExperts[] = {
    {Role::router, "*layers.#.block_sparse_moe.router.layer.weight"},
    {Role::router, "*layers.#.block_sparse_moe.router.weight"},
    {Role::expert_gate_up, "*layers.#.block_sparse_moe.input_linear.weight"},
    {Role::expert_gate_up, "*layers.#.block_sparse_moe.experts.gate_up_proj"},
    {Role::expert_down, "*layers.#.block_sparse_moe.output_linear.weight"},
    {Role::expert_down, "*layers.#.block_sparse_moe.experts.down_proj"},
};

}  // namespace continuo
