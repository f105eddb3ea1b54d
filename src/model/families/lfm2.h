// What LFM2 and its mixture of experts share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// Attention with norms of queries and keys in the layers that the file says, gated short convolutions in the
// others.
Result<void> set_lfm2_mixers(const HyperParameters& parameters, ModelSpec& spec);

// What GGUF files call the tensors, and which layers are attention.
inline constexpr auto kGgufLfm2Names = std::to_array<TensorName>({
    {Role::conv_in, "blk.#.shortconv.in_proj.weight"},
    {Role::conv_in_bias, "blk.#.shortconv.in_proj.bias"},
    {Role::conv_filters, "blk.#.shortconv.conv.weight"},
    {Role::conv_filters_bias, "blk.#.shortconv.conv.bias"},
    {Role::conv_out, "blk.#.shortconv.out_proj.weight"},
    {Role::conv_out_bias, "blk.#.shortconv.out_proj.bias"},
    {Role::router_bias, "blk.#.exp_probs_b.bias"},
    {Role::final_norm, "token_embd_norm.weight"},
});
Result<void> adapt_gguf_lfm2(const Checkpoint& file, Json& config);

}  // namespace continuo
