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
  X(conv_in, "short convolution in")                                                                      \
  X(conv_in_bias, "short convolution in bias")                                                            \
  X(conv_filters, "convolution filters")                                                                  \
  X(conv_filters_bias, "convolution filters bias")                                                        \
  X(conv_out, "short convolution out")                                                                    \
  X(conv_out_bias, "short convolution out bias")                                                          \
  X(ffn_norm, "feed-forward norm")                                                                        \
  X(ffn_norm_bias, "feed-forward norm bias")                                                              \
  X(post_ffn_norm, "feed-forward output norm")                                                            \
  /* gate and up in one tensor, their outputs one after the other */                                      \
  X(ffn_gate_up, "feed-forward gate and up")                                                              \
  X(ffn_gate, "feed-forward gate")                                                                        \
  X(ffn_gate_bias, "feed-forward gate bias")                                                              \
  X(ffn_up, "feed-forward up")                                                                            \
  X(ffn_up_bias, "feed-forward up bias")                                                                  \
  X(ffn_down, "feed-forward down")                                                                        \
  X(ffn_down_bias, "feed-forward down bias")                                                              \
  X(router, "router")                                                                                     \
  /* one tensor an expert ("@" is its number), or all in one with the expert outermost */                 \
  X(expert_gate, "expert gate")                                                                           \
  X(expert_up, "expert up")                                                                               \
  X(expert_down, "expert down")                                                                           \
  /* gate and up of an expert in one tensor */                                                            \
  X(expert_gate_up, "expert gate and up")                                                                 \
  X(shared_gate, "shared expert gate")                                                                    \
  X(shared_up, "shared expert up")                                                                        \
  X(shared_down, "shared expert down")                                                                    \
  /* the shared expert's gate */                                                                          \
  X(shared_router, "shared expert router")                                                                \
  X(final_norm, "final norm")                                                                             \
  X(final_norm_bias, "final norm bias")                                                                   \
  X(output_project_out, "output narrowing")                                                               \
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
