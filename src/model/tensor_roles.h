// What a tensor is for: each role's name in code and in words.
#pragma once

#include <cstdint>
#include <string_view>

namespace continuo {

// clang-format off
#define CONTINUO_ROLES(X)                                                                                 \
  X(embedding, "embedding")                                                                               \
  X(embedding_norm, "embedding norm")                                                                     \
  X(embedding_norm_bias, "embedding norm bias")                                                           \
  X(embedding_project_in, "embedding widening")                                                           \
  X(embedding_project_in_bias, "embedding widening bias")                                                 \
  X(token_types, "token types")                                                                           \
  X(learned_positions, "learned positions")                                                               \
  X(mixer_norm, "mixer norm")                                                                             \
  X(mixer_norm_bias, "mixer norm bias")                                                                   \
  X(post_mixer_norm, "mixer output norm")                                                                 \
  X(attention_q, "attention q")                                                                           \
  X(attention_q_bias, "attention q bias")                                                                 \
  X(attention_k, "attention k")                                                                           \
  X(attention_k_bias, "attention k bias")                                                                 \
  X(attention_v, "attention v")                                                                           \
  X(attention_v_bias, "attention v bias")                                                                 \
  /* q, k and v in one tensor, their outputs one after the other; or by groups, where the spec says so */ \
  X(attention_qkv, "attention qkv")                                                                       \
  X(attention_qkv_bias, "attention qkv bias")                                                             \
  /* of heads that have weights of their own: all in one, or one tensor a head ("@" is its number) */     \
  X(attention_q_norm, "attention q norm")                                                                 \
  X(attention_q_norm_bias, "attention q norm bias")                                                       \
  X(attention_k_norm, "attention k norm")                                                                 \
  X(attention_k_norm_bias, "attention k norm bias")                                                       \
  X(attention_out, "attention out")                                                                       \
  X(attention_out_bias, "attention out bias")                                                             \
  X(attention_gate, "attention output gate")                                                              \
  X(attention_gate_bias, "attention output gate bias")                                                    \
  /* gates, queries, keys and values in one tensor */                                                     \
  X(attention_gqkv, "attention gate and qkv")                                                             \
  X(attention_qk_bias, "attention q and k bias")                                                          \
  X(attention_gate_scales, "attention output gate scales")                                                \
  X(attention_query_scales, "attention query scales")                                                     \
  X(attention_sinks, "attention sinks")                                                                   \
  X(attention_out_norm, "attention output norm")                                                          \
  X(latent_q_a, "latent attention q down")                                                                \
  X(latent_q_a_bias, "latent attention q down bias")                                                      \
  X(latent_q_norm, "latent attention q norm")                                                             \
  X(latent_q_b, "latent attention q")                                                                     \
  X(latent_kv_a, "latent attention kv down")                                                              \
  X(latent_kv_a_bias, "latent attention kv down bias")                                                    \
  X(latent_kv_norm, "latent attention kv norm")                                                           \
  /* keys and values of each head out of the latent vector in one tensor; or apart, keys transposed */    \
  X(latent_kv_b, "latent attention kv")                                                                   \
  X(latent_k_b, "latent attention k")                                                                     \
  X(latent_v_b, "latent attention v")                                                                     \
  X(attention_q_adapter_in, "attention q adapter in")                                                     \
  X(attention_q_adapter_out, "attention q adapter out")                                                   \
  X(attention_k_adapter_in, "attention k adapter in")                                                     \
  X(attention_k_adapter_out, "attention k adapter out")                                                   \
  X(attention_v_adapter_in, "attention v adapter in")                                                     \
  X(attention_v_adapter_out, "attention v adapter out")                                                   \
  X(shared_block_norm, "shared block norm")                                                               \
  X(shared_block_link, "shared block link")                                                               \
  X(ffn_adapter_in, "feed-forward adapter in")                                                            \
  X(ffn_adapter_out, "feed-forward adapter out")                                                          \
  X(conv_in, "short convolution in")                                                                      \
  X(conv_in_bias, "short convolution in bias")                                                            \
  X(conv_filters, "convolution filters")                                                                  \
  X(conv_filters_bias, "convolution filters bias")                                                        \
  X(conv_out, "short convolution out")                                                                    \
  X(conv_out_bias, "short convolution out bias")                                                          \
  X(mamba_in, "mamba in")                                                                                 \
  X(mamba_in_bias, "mamba in bias")                                                                       \
  X(mamba_x, "mamba dt, B and C")                                                                         \
  X(mamba_dt, "mamba dt")                                                                                 \
  X(mamba_dt_bias, "mamba dt bias")                                                                       \
  X(mamba_dt_norm, "mamba dt norm")                                                                       \
  X(mamba_b_norm, "mamba B norm")                                                                         \
  X(mamba_c_norm, "mamba C norm")                                                                         \
  X(mamba_a, "mamba A")                                                                                   \
  /* A itself, which is -exp of the other */                                                             \
  X(mamba_rate, "mamba decay rate")                                                                       \
  X(mamba_skip, "mamba skip")                                                                             \
  X(mamba_norm, "mamba norm")                                                                             \
  X(mamba_out, "mamba out")                                                                               \
  X(mamba_out_bias, "mamba out bias")                                                                     \
  X(delta_q, "delta net q")                                                                               \
  X(delta_k, "delta net k")                                                                               \
  X(delta_v, "delta net v")                                                                               \
  X(delta_qkv, "delta net qkv")                                                                           \
  X(delta_q_filters, "delta net q filters")                                                               \
  X(delta_k_filters, "delta net k filters")                                                               \
  X(delta_v_filters, "delta net v filters")                                                               \
  X(delta_z, "delta net gate")                                                                            \
  X(delta_b, "delta net beta")                                                                            \
  X(delta_a, "delta net decay input")                                                                     \
  X(delta_qkvz, "delta net qkv and gate")                                                                 \
  X(delta_ba, "delta net beta and decay input")                                                           \
  X(delta_decay, "delta net decay")                                                                       \
  X(delta_rate, "delta net decay rate")                                                                   \
  X(delta_dt_bias, "delta net decay bias")                                                                \
  X(delta_norm, "delta net norm")                                                                         \
  X(delta_out, "delta net out")                                                                           \
  X(lru_x, "recurrent block x")                                                                           \
  X(lru_x_bias, "recurrent block x bias")                                                                 \
  X(lru_y, "recurrent block y")                                                                           \
  X(lru_y_bias, "recurrent block y bias")                                                                 \
  X(lru_input_gate, "recurrent unit input gate")                                                          \
  X(lru_input_gate_bias, "recurrent unit input gate bias")                                                \
  X(lru_recurrent_gate, "recurrent unit recurrent gate")                                                  \
  X(lru_recurrent_gate_bias, "recurrent unit recurrent gate bias")                                        \
  X(lru_decay, "recurrent unit decay")                                                                    \
  X(lru_out, "recurrent block out")                                                                       \
  X(lru_out_bias, "recurrent block out bias")                                                             \
  X(rwkv_mix_x, "time mixing share for x")                                                                \
  X(rwkv_mix_w, "time mixing share for w")                                                                \
  X(rwkv_mix_k, "time mixing share for k")                                                                \
  X(rwkv_mix_v, "time mixing share for v")                                                                \
  X(rwkv_mix_r, "time mixing share for r")                                                                \
  X(rwkv_mix_g, "time mixing share for g")                                                                \
  X(rwkv_mix_a, "time mixing share for a")                                                                \
  /* all shares but x's in one tensor */                                                                  \
  X(rwkv_mix_fused, "time mixing shares")                                                                 \
  X(rwkv_shift_1, "token shift 1")                                                                        \
  X(rwkv_shift_2, "token shift 2")                                                                        \
  X(rwkv_decay, "time mixing decay")                                                                      \
  X(rwkv_first, "time mixing first")                                                                      \
  X(rwkv_decay_1, "decay map 1")                                                                          \
  X(rwkv_decay_2, "decay map 2")                                                                          \
  X(rwkv_learning, "learning rate base")                                                                  \
  X(rwkv_learning_1, "learning rate map 1")                                                               \
  X(rwkv_learning_2, "learning rate map 2")                                                               \
  X(rwkv_value_mix, "value mix base")                                                                     \
  X(rwkv_value_1, "value mix map 1")                                                                      \
  X(rwkv_value_2, "value mix map 2")                                                                      \
  X(rwkv_gate_1, "gate map 1")                                                                            \
  X(rwkv_gate_2, "gate map 2")                                                                            \
  X(rwkv_key_scale, "removal key scale")                                                                  \
  X(rwkv_key_learning, "key learning rate")                                                               \
  X(rwkv_receptance, "time mixing receptance")                                                            \
  X(rwkv_key, "time mixing key")                                                                          \
  X(rwkv_value, "time mixing value")                                                                      \
  X(rwkv_gate, "time mixing gate")                                                                        \
  X(rwkv_out, "time mixing out")                                                                          \
  X(rwkv_norm, "time mixing norm")                                                                        \
  X(rwkv_norm_bias, "time mixing norm bias")                                                              \
  X(channel_mix_k, "channel mixing share for k")                                                          \
  X(channel_mix_r, "channel mixing share for r")                                                          \
  X(channel_key, "channel mixing key")                                                                    \
  X(channel_value, "channel mixing value")                                                                \
  X(channel_receptance, "channel mixing receptance")                                                      \
  X(ffn_norm, "feed-forward norm")                                                                        \
  X(ffn_norm_bias, "feed-forward norm bias")                                                              \
  X(post_ffn_norm, "feed-forward output norm")                                                            \
  /* gate and up in one tensor, their outputs one after the other */                                      \
  X(ffn_gate_up, "feed-forward gate and up")                                                              \
  X(ffn_gate_up_bias, "feed-forward gate and up bias")                                                    \
  X(ffn_gate, "feed-forward gate")                                                                        \
  X(ffn_gate_bias, "feed-forward gate bias")                                                              \
  X(ffn_up, "feed-forward up")                                                                            \
  X(ffn_up_bias, "feed-forward up bias")                                                                  \
  X(ffn_down, "feed-forward down")                                                                        \
  X(ffn_down_bias, "feed-forward down bias")                                                              \
  X(ffn_inner_norm, "feed-forward inner norm")                                                            \
  X(ffn_gate_scales, "feed-forward gate scales")                                                          \
  X(ffn_up_scales, "feed-forward up scales")                                                              \
  X(mixer_rate, "mixer rate")                                                                             \
  X(ffn_rate, "feed-forward rate")                                                                        \
  X(xielu_alpha_p, "activation alpha of positive values")                                                 \
  X(xielu_alpha_n, "activation alpha of negative values")                                                 \
  X(xielu_beta, "activation beta")                                                                        \
  X(xielu_eps, "activation eps")                                                                          \
  X(router, "router")                                                                                     \
  X(router_map_bias, "router bias")                                                                       \
  X(router_bias, "router selection bias")                                                                 \
  /* one tensor an expert ("@" is its number), or all in one with the expert outermost */                 \
  X(expert_gate, "expert gate")                                                                           \
  X(expert_up, "expert up")                                                                               \
  X(expert_down, "expert down")                                                                           \
  X(expert_gate_bias, "expert gate bias")                                                                 \
  X(expert_up_bias, "expert up bias")                                                                     \
  X(expert_down_bias, "expert down bias")                                                                 \
  X(expert_gate_up_bias, "expert gate and up bias")                                                       \
  X(expert_gate_up_blocks, "expert gate and up blocks")                                                   \
  X(expert_gate_up_scales, "expert gate and up scales")                                                   \
  X(expert_down_blocks, "expert down blocks")                                                             \
  X(expert_down_scales, "expert down scales")                                                             \
  /* gate and up of an expert in one tensor */                                                            \
  X(expert_gate_up, "expert gate and up")                                                                 \
  X(shared_gate_up, "shared expert gate and up")                                                          \
  X(shared_gate, "shared expert gate")                                                                    \
  X(shared_up, "shared expert up")                                                                        \
  X(shared_down, "shared expert down")                                                                    \
  /* the shared expert's gate */                                                                          \
  X(shared_router, "shared expert router")                                                                \
  X(layer_embedding, "embedding of layer inputs")                                                         \
  X(layer_embedding_project, "projection of layer inputs")                                                \
  X(layer_embedding_norm, "norm of layer inputs")                                                         \
  X(layer_input_gate, "layer input gate")                                                                 \
  X(layer_input_projection, "layer input projection")                                                     \
  X(layer_input_norm, "layer input norm")                                                                 \
  X(layer_output_scale, "layer output scale")                                                             \
  X(final_norm, "final norm")                                                                             \
  X(final_norm_bias, "final norm bias")                                                                   \
  X(output_project_out, "output narrowing")                                                               \
  X(output_head, "output head")                                                                           \
  X(output_head_bias, "output head bias")                                                                 \
  X(output_head_norm, "output head norm")                                                                 \
  X(output_head_norm_bias, "output head norm bias")                                                       \
  X(loop_map, "loop map")                                                                                 \
  X(loop_map_bias, "loop map bias")                                                                       \
  X(loop_start, "loop start")                                                                             \
  X(exit_gate, "exit gate")                                                                               \
  X(exit_gate_bias, "exit gate bias")                                                                     \
  X(output_scales, "output scales")                                                                       \
  X(output, "output")                                                                                     \
  X(output_bias, "output bias")
// clang-format on

enum class Role : std::uint8_t {
#define CONTINUO_ROLE(name, text) name,
  CONTINUO_ROLES(CONTINUO_ROLE)
#undef CONTINUO_ROLE
};

// "attention q bias".
constexpr std::string_view role_text(Role role) {
  switch (role) {
#define CONTINUO_ROLE(name, text) \
  case Role::name:                \
    return text;
    CONTINUO_ROLES(CONTINUO_ROLE)
#undef CONTINUO_ROLE
  }
  return "";
}

}  // namespace continuo
