// What the Gemma families share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// Llama with tied embeddings scaled by sqrt(d_model), norms that keep weight - 1, and a tanh GELU.
Result<ModelSpec> gemma_spec(const HyperParameters& parameters, LlamaDefaults defaults);

// The later ones: norms before and after each part, scores divided by the root of a number of their own, and
// caps on scores and logits, by default the given ones.
struct GemmaCaps {
  double score, logit;
};
Result<void> set_later_gemma(const HyperParameters& parameters, ModelSpec& spec, const GemmaCaps& caps);

// Gemma 2 and 3 scale queries by the size of a head, but the largest of each, which has `largest_layers`, by the share
// of a head in the model; GGUF files do not say it.
Result<void> gguf_gemma_query_scale(const Checkpoint& file, Json& config, double largest_layers);

inline constexpr TensorName kGemmaNorms[] = {
    {Role::post_mixer_norm, "*layers.#.post_attention_layernorm.weight"},
    {Role::ffn_norm, "*layers.#.pre_feedforward_layernorm.weight"},
    {Role::post_ffn_norm, "*layers.#.post_feedforward_layernorm.weight"},
};

}  // namespace continuo
