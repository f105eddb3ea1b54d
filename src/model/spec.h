// What a network is, as data: every fact that the forward pass needs and nothing about files or weights.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"

namespace continuo {

// ---- normalization ----
struct RmsNormSpec {  // Zhang & Sennrich 2019, arXiv:1910.07467
  float eps = 1e-5f;
  bool unit_offset = false;  // the file holds weight - 1 (Gemma); binding adds the 1
  bool weight = true;        // false: scaled by 1 (nanochat)
};
struct LayerNormSpec {  // Ba et al. 2016, arXiv:1607.06450
  float eps = 1e-5f;
  bool bias = true;
  bool weight = true;  // false: scaled by 1 (OLMo)
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
struct RopeFactors {  // "longrope" (Ding et al. 2024, arXiv:2402.13753): each pair's frequency divided by its own factor
  std::vector<float> short_factors;  // rotary_dim / 2; for texts of at most original_context tokens
  std::vector<float> long_factors;   // rotary_dim / 2; for longer ones
  double original_context = 0;
  double attention_factor = 1;  // multiplies cos and sin; resolved
  bool operator==(const RopeFactors&) const = default;
};
using RopeScaling = std::variant<std::monostate, RopeLinear, RopeLlama3, RopeYarn, RopeDynamic, RopeFactors>;

struct RopeSpec {
  int rotary_dim = 0;  // even, <= head_dim
  double theta = 10000;
  bool interleaved = false;  // pairs are (2i, 2i + 1) (GPT-J); else (i, i + rotary_dim / 2) (GPT-NeoX)
  bool negative_angle = false;    // turned by minus the angle (nanochat)
  RopeScaling scaling;
  bool operator==(const RopeSpec&) const = default;
};

// A learned row added to each embedding (GPT-2). Row index = position + offset.
struct LearnedPositions {
  int count = 0;   // positions that can be used
  int offset = 0;  // rows before the first position's (OPT: 2); the matrix has count + offset rows
};
using PositionSpec = std::variant<std::monostate, LearnedPositions>;

// ---- mixers: how a token takes in context ----
// Normalization of queries and keys before they are turned by their positions.
struct QkNormSpec {
  NormSpec norm;
  enum class Span : unsigned char {
    head,        // each head's head_dim values; all heads share one weight row (Qwen3, Gemma 3, Phi)
    own_head,    // each head's head_dim values; every head has a weight row of its own (StableLM, Cohere)
    all_heads,   // all heads' values at once (OLMo 2)
  } span = Span::head;
};

// Attention with Linear Biases, Press et al. 2021, arXiv:2108.12409: slope * (position of the key) is added to a
// head's scaled scores.
struct AlibiSpec {
  std::vector<float> slopes;   // one per head
  bool bf16_products = false;  // the position and slope * position rounded to bfloat16, as Falcon's reference does
  float scale = 1;             // multiplies the product
  bool operator==(const AlibiSpec&) const = default;
};

struct AttentionSpec {  // Vaswani et al. 2017, arXiv:1706.03762; grouped queries: Ainslie 2023, arXiv:2305.13245
  int n_heads = 0;
  int n_kv_heads = 0;  // divides n_heads
  int head_dim = 0;
  float scale = 0;  // multiplies q.k, usually 1/sqrt(head_dim)
  bool qkv_bias = false;
  bool out_bias = false;
  // One matrix makes, for each group of heads that share keys, its queries, its key and its value, group after group
  // (GPT-NeoX, BLOOM, Falcon); else the queries, keys and values of all heads stand apart.
  bool grouped_qkv = false;
  std::optional<RopeSpec> rope;
  std::optional<AlibiSpec> alibi;
  std::optional<QkNormSpec> qk_norm;
  int window = 0;       // a token sees itself and the window - 1 tokens before it (Beltagy et al. 2020); 0: all
  float attn_logit_softcap = 0;  // above 0: scaled scores s become cap * tanh(s / cap) (Gemma 2)
  float qkv_clip = 0;   // above 0: queries, keys and values are clamped to [-clip, clip] (OLMo, MPT)

  std::size_t state_floats() const { return 0; }  // keys and values live in pages of their own
};

// What a mixer or a feed-forward part remembers of a sequence besides keys and values has a constant size:
// state_floats() floats, zero before the first token.

// Gated short convolution (LFM2, Liquid AI 2025): B, C, u = W_in x; y = W_out (C * conv(B * u)), where conv is causal,
// one filter of `kernel` taps a channel.
struct ShortConvSpec {
  int d_inner = 0;  // channels
  int kernel = 3;
  bool bias = false;  // of both maps and of the convolution

  // The last kernel - 1 rows of B * u, the oldest first.
  std::size_t state_floats() const { return std::size_t(kernel - 1) * std::size_t(d_inner); }
};

struct BesidePart;
// Mixers side by side on one normalized input (Falcon-H1); their scaled results are added. At most one of them is
// attention.
struct BesideSpec {
  std::vector<BesidePart> parts;
  std::size_t state_floats() const;
};

using MixerSpec = std::variant<AttentionSpec, ShortConvSpec, BesideSpec>;

struct BesidePart {
  MixerSpec mixer;
  float scale = 1;  // of its result
};

// The attention of a mixer, or of the part of it that is attention; null where there is none.
const AttentionSpec* attention_in(const MixerSpec& mixer);
AttentionSpec* attention_in(MixerSpec& mixer);

// ---- feed-forward ----
enum class Activation { silu, gelu_erf, gelu_tanh, gelu_quick, relu, relu_squared };

struct FeedForwardSpec {
  int d_ff = 0;
  Activation activation = Activation::silu;
  bool gated = true;  // down(act(gate x) * up x), Shazeer 2020, arXiv:2002.05202; else down(act(up x))
  bool bias = false;

  std::size_t state_floats() const { return 0; }
};

// A mixture of experts, Shazeer et al. 2017, arXiv:1701.06538; Jiang et al. 2024, arXiv:2401.04088: a softmax over the
// router's scores of all experts, the n_active largest (ties: the lower index), their results added with these weights.
struct ExpertsSpec {
  int n_experts = 0;
  int n_active = 0;
  FeedForwardSpec expert;
  bool normalize = true;                   // the chosen weights are divided by their sum
  std::optional<FeedForwardSpec> shared;   // an expert that every token uses beside the chosen ones
  bool shared_gate = false;                // its result is multiplied by sigmoid(gate . x) (Qwen2-MoE)

  std::size_t state_floats() const { return 0; }
};
// monostate: the block is its mixer alone (Mamba, Nemotron-H). A variant, and not an optional, so that it is visited.
using FfnSpec = std::variant<FeedForwardSpec, ExpertsSpec, std::monostate>;

// One block. What is absent is not done.
//   sequential:  x += s * post_mixer_norm(mixer(mixer_norm(x)));  x += s * post_ffn_norm(feed(ffn_norm(x)))
//   parallel:    x += s * mixer(mixer_norm(x)) + s * feed(ffn_norm(x)), both of the same x; without a ffn_norm the feed
//                reads mixer_norm(x) as well (GPT-J, Falcon, Cohere)
//   norm after:  x = mixer_norm(x + mixer(x));  x = ffn_norm(x + feed(x)) (the original Transformer; OPT-350m)
struct LayerSpec {
  enum class Order : unsigned char { sequential, parallel, post_norm } order = Order::sequential;
  std::optional<NormSpec> mixer_norm;
  MixerSpec mixer;
  std::optional<NormSpec> post_mixer_norm;
  std::optional<NormSpec> ffn_norm;
  FfnSpec ffn;
  std::optional<NormSpec> post_ffn_norm;
  float residual_scale = 1;  // s above (Granite, MiniCPM)
};

// Floats that a layer remembers of a sequence besides keys and values: the mixer's, then the feed-forward part's.
struct LayerStateFloats {
  std::size_t mixer = 0, ffn = 0;
  std::size_t total() const { return mixer + ffn; }
};
LayerStateFloats state_floats(const LayerSpec& layer);

struct ModelSpec {
  std::string family;  // the files' word, for people; code never branches on it
  int d_model = 0;
  int vocab_size = 0;
  int context_length = 0;  // positions the model was made for
  PositionSpec positions;
  int d_embedding = 0;        // width of the embedding where it is not d_model: a matrix widens it, another narrows the
                              // last hidden state (OPT-350m); 0: d_model
  float embedding_scale = 1;  // multiplies embeddings, before positions are added
  std::optional<NormSpec> embedding_norm;  // BLOOM
  std::vector<LayerSpec> layers;
  std::optional<NormSpec> final_norm;
  bool tied_output = false;  // the output matrix is the embedding matrix
  bool output_bias = false;
  float logit_scale = 1;  // multiplies logits
  float final_logit_softcap = 0;    // above 0: logits z become cap * tanh(z / cap), after the scale
  std::vector<TokenId> eos_tokens;  // any of them ends the text; bos_token is among them
  std::optional<TokenId> bos_token;
};

}  // namespace continuo
