// What a network is, as data: every fact that the forward pass needs and nothing about files or weights.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"

namespace continuo {

// ---- normalization ----
struct RmsNormSpec {  // Zhang & Sennrich 2019, arXiv:1910.07467
  float eps = 1e-5f;
};
struct LayerNormSpec {  // Ba et al. 2016, arXiv:1607.06450
  float eps = 1e-5f;
  bool bias = true;
};
using NormSpec = std::variant<RmsNormSpec, LayerNormSpec>;

// ---- positions ----
// Rotary embedding, Su et al. 2021, arXiv:2104.09864: pair i of a head's first rotary_dim values turns by
// position * theta^(-2i/rotary_dim); `scaling` changes the frequencies for contexts longer than trained.
struct RopeLinear {  // positions divided by factor (Chen et al. 2023, arXiv:2306.15595)
  double factor = 1;
  bool operator==(const RopeLinear&) const = default;
};
struct RopeLlama3 {  // Llama 3.1: low frequencies divided by factor, high ones kept, a ramp between
  double factor = 1, low_freq_factor = 1, high_freq_factor = 4;
  double original_context = 8192;
  bool operator==(const RopeLlama3&) const = default;
};
struct RopeYarn {  // Peng et al. 2023, arXiv:2309.00071
  double factor = 1, beta_fast = 32, beta_slow = 1;
  double original_context = 2048;
  double attention_factor = 1;  // multiplies cos and sin; resolved (0.1 ln(factor) + 1 unless the file says so)
  bool truncate = true;         // correction range rounded to whole dimensions
  bool operator==(const RopeYarn&) const = default;
};
struct RopeDynamic {  // "dynamic NTK": theta grows once the text is longer than the original context
  double factor = 1;
  double original_context = 2048;
  bool operator==(const RopeDynamic&) const = default;
};
using RopeScaling = std::variant<std::monostate, RopeLinear, RopeLlama3, RopeYarn, RopeDynamic>;

struct RopeSpec {
  int rotary_dim = 0;  // even, <= head_dim
  double theta = 10000;
  RopeScaling scaling;
  bool operator==(const RopeSpec&) const = default;
};

// A learned row added to each embedding (GPT-2). Row index = position.
struct LearnedPositions {
  int count = 0;
};
using PositionSpec = std::variant<std::monostate, LearnedPositions>;

// ---- mixers: how a token takes in context ----
struct AttentionSpec {  // Vaswani et al. 2017, arXiv:1706.03762; grouped queries: Ainslie 2023, arXiv:2305.13245
  int n_heads = 0;
  int n_kv_heads = 0;  // divides n_heads
  int head_dim = 0;
  float scale = 0;  // multiplies q.k, usually 1/sqrt(head_dim)
  bool qkv_bias = false;
  bool out_bias = false;
  std::optional<RopeSpec> rope;
};
using MixerSpec = std::variant<AttentionSpec>;

// ---- feed-forward ----
enum class Activation { silu, gelu_erf, gelu_tanh, relu };

struct FeedForwardSpec {
  int d_ff = 0;
  Activation activation = Activation::silu;
  bool gated = true;  // down(act(gate x) * up x), Shazeer 2020, arXiv:2002.05202; else down(act(up x))
  bool bias = false;
};
using FeedSpec = std::variant<FeedForwardSpec>;

// One block: x += mixer(norm(x)); x += feed(norm(x)) (pre-norm).
struct LayerSpec {
  NormSpec mixer_norm;
  MixerSpec mixer;
  NormSpec feed_norm;
  FeedSpec feed;
};

struct ModelSpec {
  std::string family;  // the files' word, for people; code never branches on it
  int d_model = 0;
  int vocab_size = 0;
  int context_length = 0;  // positions the model was made for
  PositionSpec positions;
  std::vector<LayerSpec> layers;
  NormSpec final_norm;
  bool tied_output = false;         // the output matrix is the embedding matrix
  std::vector<TokenId> end_tokens;  // any of them ends the text; bos_token is among them
  std::optional<TokenId> bos_token;
};

}  // namespace continuo
