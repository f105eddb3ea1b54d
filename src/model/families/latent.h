// What families with latent attention share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

struct LatentDefaults {
  int q_rank = 0, kv_rank = 512, nope_dim = 128, rope_dim = 64, v_dim = 128;  // q_rank 0: the file's word is "null"
  bool interleaved = true;
};

// Llama with latent attention (DeepSeek-V2, arXiv:2405.04434).
Result<ModelSpec> latent_spec(const HyperParameters& parameters, LlamaDefaults defaults, const LatentDefaults& latent);

// What GGUF files say of latent attention: the parts of heads, where "head_dim" is that of what is remembered.
Result<void> adapt_latent_gguf(const Checkpoint& file, Json& config);

// "*layers.#.self_attn." names of its maps.
inline constexpr TensorName kLatentTensors[] = {
    {Role::latent_q_a, "*layers.#.self_attn.q_a_proj.weight"},
    {Role::latent_q_a_bias, "*layers.#.self_attn.q_a_proj.bias"},
    {Role::latent_q_norm, "*layers.#.self_attn.q_a_layernorm.weight"},
    {Role::latent_q_b, "*layers.#.self_attn.q_b_proj.weight"},
    {Role::latent_kv_a, "*layers.#.self_attn.kv_a_proj_with_mqa.weight"},
    {Role::latent_kv_a_bias, "*layers.#.self_attn.kv_a_proj_with_mqa.bias"},
    {Role::latent_kv_norm, "*layers.#.self_attn.kv_a_layernorm.weight"},
    {Role::latent_kv_b, "*layers.#.self_attn.kv_b_proj.weight"},
};
#define CONTINUO_LATENT_TENSORS                                                                                     \
  kLatentTensors[0], kLatentTensors[1], kLatentTensors[2], kLatentTensors[3], kLatentTensors[4], kLatentTensors[5], \
      kLatentTensors[6], kLatentTensors[7]

}  // namespace continuo
