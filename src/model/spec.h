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
  bool unit_length = false;  // to length 1 in place of a mean square of 1 (nGPT); there are no weights then
};
struct LayerNormSpec {  // Ba et al. 2016, arXiv:1607.06450
  float eps = 1e-5f;
  bool bias = true;
  bool weight = true;        // false: scaled by 1 (OLMo)
  bool unit_offset = false;  // the file holds weight - 1 (Nemotron); binding adds the 1
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
// "longrope" (Ding et al. 2024, arXiv:2402.13753): each pair's frequency divided by its own factor
struct RopeFactors {
  std::vector<float> short_factors;  // rotary_dim / 2; for texts of at most original_context tokens
  std::vector<float> long_factors;   // rotary_dim / 2; for longer ones
  double original_context = 0;
  double attention_factor = 1;       // multiplies cos and sin; resolved
  double long_attention_factor = 0;  // the same for longer texts; 0: attention_factor (Phi-3.5-MoE)
  bool operator==(const RopeFactors&) const = default;
};
struct RopeProportional {  // the first pairs turn as if all did, the others not at all (Gemma 4, LFM3)
  int turned_pairs = 0;    // of rotary_dim / 2
  double factor = 1;       // divides the frequencies
  bool operator==(const RopeProportional&) const = default;
};
using RopeScaling =
    std::variant<std::monostate, RopeLinear, RopeLlama3, RopeYarn, RopeDynamic, RopeFactors, RopeProportional>;

struct RopeSpec {
  int rotary_dim = 0;  // even, <= head_dim
  double theta = 10000;
  bool interleaved = false;     // pairs are (2i, 2i + 1) (GPT-J); else (i, i + rotary_dim / 2) (GPT-NeoX)
  bool negative_angle = false;  // turned by minus the angle (nanochat)
  RopeScaling scaling;
  bool operator==(const RopeSpec&) const = default;
};

// A learned row added to each embedding (GPT-2). Row index = position + offset.
struct LearnedPositions {
  int count = 0;   // positions that can be used
  int offset = 0;  // rows before the first position's (OPT: 2); the matrix has count + offset rows
  // Tokens that do not count as positions; theirs is the row of this number (RoBERTa's padding).
  std::optional<TokenId> skipped = {};
};
// A row added to each embedding that no file holds (XGLM): sin(n f_i) for the first half of its values, cos(n f_i) for
// the second, n = position + offset, f_i = 10000^(-i / (d_model / 2 - 1)); row `zero_row` is zero.
struct SinusoidalPositions {
  int offset = 0;
  int zero_row = -1;  // counted with the offset
};
using PositionSpec = std::variant<std::monostate, LearnedPositions, SinusoidalPositions>;

// ---- activations ----
enum class Activation { silu, gelu_erf, gelu_tanh, gelu_quick, relu, relu_squared, xielu };  // xielu: its
// parameters are learned, each layer's own (Huang & Schlag 2024, arXiv:2411.13010)

// ---- mixers: how a token takes in context ----
// Normalization of queries and keys before they are turned by their positions.
struct QkNormSpec {
  NormSpec norm;
  enum class Span : unsigned char {
    head,       // each head's head_dim values; all heads share one weight row (Qwen3, Gemma 3, Phi)
    own_head,   // each head's head_dim values; every head has a weight row of its own (StableLM, Cohere)
    all_heads,  // all heads' values at once (OLMo 2)
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

// Multi-head latent attention, DeepSeek-AI 2024, arXiv:2405.04434. q = W_qb norm(W_qa x), or W_q x; c, k_r = W_kva x,
// c = norm(c); for each head k = [W_kb c, rope(k_r)], v = W_vb c. What is remembered is [rope(k_r), c]: keys of one
// head that all queries share, once W_kb is applied to the queries instead; the values are c, and W_vb is applied to
// the results.
struct LatentSpec {
  int q_rank = 0;  // 0: queries are made directly
  int kv_rank = 0;
  int nope_dim = 0, rope_dim = 0, v_dim = 0;  // of each head
  NormSpec norm;                              // of both low-rank vectors
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
  // above 0, with grouped_qkv: so many blocks of heads, each with its queries, its values, its keys (CodeGen)
  int qkv_blocks = 0;
  std::optional<RopeSpec> rope;
  std::optional<AlibiSpec> alibi;
  std::optional<QkNormSpec> qk_norm;
  int window = 0;  // a token sees itself and the window - 1 tokens before it (Beltagy et al. 2020); 0: all
  float attn_logit_softcap = 0;     // above 0: scaled scores s become cap * tanh(s / cap) (Gemma 2)
  float qkv_clip = 0;               // above 0: queries, keys and values are clamped to [-clip, clip] (OLMo, MPT)
  bool qk_norm_after_rope = false;  // else before it (Hunyuan)
  // The heads' results are multiplied by sigmoid(gate) before the output map. value: a gate for each value, which the
  // map of the queries makes behind each head's query (Qwen3-Next); head: one for each head, from a map of its own
  // (LFM3).
  // apart: a gate for each value, from a map of its own (HRM-Text, Dory).
  enum class OutputGate : unsigned char { none, value, head, apart } output_gate = OutputGate::none;
  // Each gate of those (apart) is first multiplied by (gate_scale_unit * s)^2, each value of the queries, once they are
  // turned, by (query_scale_unit * s)^2, s: learned (Dory).
  bool gate_scales = false, query_scales = false;
  float gate_scale_unit = 1, query_scale_unit = 1;
  bool qk_bias = false;  // queries and keys have a bias, in one tensor, and values none (Huginn)
  // Each head has a learned score of a key that has no value: it takes its share of the softmax (gpt-oss).
  bool sinks = false;
  // Above 0: queries are multiplied by 1 + query_scale_beta * ln(1 + floor(position / query_scale_length)) (Ministral
  // 3).
  double query_scale_beta = 0, query_scale_length = 0;
  std::optional<NormSpec> v_norm;    // of each head's values, without weights (Gemma 4)
  std::optional<NormSpec> out_norm;  // of all heads' results at once, before the output map (BitNet)
  bool values_are_keys = false;      // the values are what the map of the keys gives (Gemma 4)
  // the earlier layer whose keys and values are looked at; none are made (Gemma 4)
  std::optional<std::size_t> kv_layer;
  // n_kv_heads is 1 and head_dim rope_dim + kv_rank then: the shape of what is remembered.
  std::optional<LatentSpec> latent;
  // both_sides: a token sees those behind it too, so that the text must be there as a whole (BERT, Devlin et al. 2018,
  // arXiv:1810.04805); with a window those that are at most so many positions away.
  enum class Mask : unsigned char { causal, both_sides } mask = Mask::causal;
  int d_in = 0;  // width of its input; 0: d_model
  // above 0: queries, keys and values get what a map of that rank makes of the input besides (Zamba2)
  int adapter_rank = 0;

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

// Mamba, Gu & Dao 2023, arXiv:2312.00752. x, z = W_in u; x = act(conv(x)); dt, B, C = W_x x;
// D = softplus(W_dt dt + b); h = exp(D A) h + D B x; y = W_out((C h + skip x) * silu(z)). One h of d_state a channel.
struct MambaSpec {
  int d_inner = 0, d_state = 0, d_conv = 0, dt_rank = 0;
  bool conv_bias = true, proj_bias = false;  // of W_in and W_out
  Activation activation = Activation::silu;
  std::optional<NormSpec> inner_norm;  // of dt, of B and of C, each (Jamba, Falcon Mamba)

  // The convolution's, then h: d_state rows of d_inner.
  std::size_t state_floats() const { return std::size_t(d_inner) * std::size_t(d_conv - 1 + d_state); }
};

// Mamba-2, Dao & Gu 2024, arXiv:2405.21060. z, xBC, dt = W_in u; x, B, C = act(conv(xBC)); D = softplus(dt + b) within
// [dt_min, dt_max]; for each head S = exp(D A) S + D x B', y = S C + skip x; out = W_out gate(y, z). Heads of a group
// share B and C.
struct Mamba2Spec {
  int n_heads = 0, head_dim = 0, n_groups = 1, d_state = 0, d_conv = 0;
  bool conv_bias = true, in_bias = false, out_bias = false;
  Activation activation = Activation::silu;
  float dt_min = 0, dt_max = 0;  // dt_max 0: no limit
  // norm_gated: norm(y * silu(z)); gated_norm: norm(y) * silu(z); gate: y * silu(z).
  enum class Gate : unsigned char { norm_gated, gated_norm, gate } gate = Gate::norm_gated;
  int norm_groups = 1;  // groups of y that are normalized by themselves
  float norm_eps = 1e-5f;
  float input_scale = 1;      // of u (Falcon-H1)
  std::vector<float> scales;  // of z, x, B, C, dt (Falcon-H1); or empty

  int d_inner() const { return n_heads * head_dim; }
  int conv_channels() const { return d_inner() + 2 * n_groups * d_state; }
  // The convolution's, then n_heads S of d_state rows of head_dim.
  std::size_t state_floats() const {
    return std::size_t(d_conv - 1) * std::size_t(conv_channels()) + std::size_t(d_inner()) * std::size_t(d_state);
  }
};

// Gated delta net, Yang et al. 2024, arXiv:2412.06464. q, k, v = silu(conv(W u)); q and k have length 1, q is divided
// by sqrt(key_dim); beta = sigmoid(b) (times 2 where eigenvalues may be negative); g = -exp(A) softplus(a + dt_bias);
// for each value head S = exp(g) S; S += k (beta (v - S' k))'; o = S' q; out = W_out(norm(o) * silu(z)).
struct DeltaNetSpec {
  int n_key_heads = 0, n_value_heads = 0, key_dim = 0, value_dim = 0, d_conv = 0;
  bool grouped = false;  // one map makes, for each key head, its q, k, v and z, another its b and a (Qwen3-Next)
  // value head h has the key head h % n_key_heads; else neighbours share one (Qwen3.5 in GGUF files)
  bool tiled = false;
  bool negative_eigenvalues = false;
  float norm_eps = 1e-6f;

  int conv_channels() const { return 2 * n_key_heads * key_dim + n_value_heads * value_dim; }
  // The convolution's, then n_value_heads S of key_dim rows of value_dim.
  std::size_t state_floats() const {
    return std::size_t(d_conv - 1) * std::size_t(conv_channels()) +
           std::size_t(n_value_heads) * std::size_t(key_dim) * std::size_t(value_dim);
  }
};

// Griffin's recurrent block with the real-gated linear recurrent unit, De et al. 2024, arXiv:2402.19427.
struct RgLruSpec {
  int width = 0, n_blocks = 0, d_conv = 0;  // gates are block-diagonal, in n_blocks
  Activation activation = Activation::gelu_tanh;

  // The convolution's, then the hidden state.
  std::size_t state_floats() const { return std::size_t(d_conv) * std::size_t(width); }
};

// RWKV-4's time mixing, Peng et al. 2023, arXiv:2305.13048.
struct Rwkv4Spec {
  int d_model = 0, d_attention = 0;

  // The last input, then numerator, denominator and largest exponent.
  std::size_t state_floats() const { return std::size_t(d_model) + 3 * std::size_t(d_attention); }
};

// Time mixing of RWKV-5.2 and 6 (Peng et al. 2024, arXiv:2404.05892) and RWKV-7 (arXiv:2503.14456): for each head a
// matrix of head_dim x value_dim.
struct RwkvSpec {
  int version = 7;  // 5, 6 or 7
  int d_model = 0, n_heads = 0, head_dim = 0;
  int value_dim = 0;  // of a head: values may be wider than keys (7)
  // Ranks of the small two-layer maps: the token shift's (6), the decay's (6, 7), and those of 7.
  int shift_rank = 0, decay_rank = 0, learning_rank = 0, value_rank = 0, gate_rank = 0;
  bool first_layer = false;  // 7: the layer whose values the others mix in
  bool gate = true;          // 5.2: silu(gate) * y
  float norm_eps = 1e-5f;    // of the norm of each head's result

  int value_width() const { return n_heads * value_dim; }
  // The last input, then the heads' matrices: head_dim rows of value_dim.
  std::size_t state_floats() const {
    return std::size_t(d_model) + std::size_t(n_heads) * std::size_t(head_dim) * std::size_t(value_dim);
  }
};

struct BesidePart;
// Mixers side by side on one normalized input (Falcon-H1); their scaled results are added. At most one of them is
// attention.
struct BesideSpec {
  std::vector<BesidePart> parts;
  std::size_t state_floats() const;
};

// A layer's Mamba-2 behind a block of attention and feed-forward whose weights several layers share (Zamba2, Glorioso
// et al.
// 2024, arXiv:2411.15242). With e the embedding of the row's token,
//   t = attention(norm([x, e]));  n = norm(t);  t = W_link down(act(gate n) * up n);  y = mamba(norm(x + t)).
// Each layer adds an adapter of its own to the gate and up maps, and to the attention's where that has a rank.
struct SharedBlockSpec {
  std::size_t owner = 0;  // the layer under which the shared weights are stored
  std::size_t use = 0;    // which of the layers with such a block this is
  RmsNormSpec norm;       // of all four
  AttentionSpec attention;
  int d_ff = 0;
  Activation activation = Activation::gelu_erf;
  int ffn_rank = 0;  // of the adapter
  Mamba2Spec mixer;

  std::size_t state_floats() const { return mixer.state_floats(); }
};

// monostate: the block is its feed-forward part alone (Nemotron-H).
using MixerSpec = std::variant<AttentionSpec, ShortConvSpec, BesideSpec, MambaSpec, Mamba2Spec, DeltaNetSpec, RgLruSpec,
                               Rwkv4Spec, RwkvSpec, SharedBlockSpec, std::monostate>;

struct BesidePart {
  MixerSpec mixer;
  float scale = 1;  // of its result
};

// The attention of a mixer, or of the part of it that is attention; null where there is none.
const AttentionSpec* attention_in(const MixerSpec& mixer);
AttentionSpec* attention_in(MixerSpec& mixer);
// Whether a layer reads the rows' embeddings again.
bool reads_embedding(const MixerSpec& mixer);

// ---- feed-forward ----
struct FeedForwardSpec {
  int d_ff = 0;
  Activation activation = Activation::silu;
  bool gated = true;  // down(act(gate x) * up x), Shazeer 2020, arXiv:2002.05202; else down(act(up x))
  bool bias = false;
  float gate_scale = 1;                // of gate x, or of up x where there is no gate (Falcon-H1)
  float down_scale = 1;                // of the result (Falcon-H1)
  std::optional<NormSpec> inner_norm;  // of what goes into the last map (BitNet)
  // gate x and up x are multiplied by channel_scale_unit * s, s: learned, one a channel (Dory)
  bool channel_scales = false;
  float channel_scale_unit = 1;
  // down((clamp(up x) + 1) * g * sigmoid(alpha g)), g = min(gate x, limit), the clamp to [-limit, limit] (gpt-oss).
  struct ClampedGate {
    float alpha = 1.702f, limit = 7;
  };
  std::optional<ClampedGate> clamped_gate;

  std::size_t state_floats() const { return 0; }
};

// A mixture of experts, Shazeer et al. 2017, arXiv:1701.06538; Jiang et al. 2024, arXiv:2401.04088: a softmax over the
// router's scores of all experts, the n_active largest (ties: the lower index), their results added with these weights.
struct ExpertsSpec {
  int n_experts = 0;
  int n_active = 0;
  FeedForwardSpec expert;
  bool normalize = true;                  // the chosen weights are divided by their sum
  float normalize_eps = 0;                // added to that sum
  std::optional<FeedForwardSpec> shared;  // an expert that every token uses beside the chosen ones
  bool shared_gate = false;               // its result is multiplied by sigmoid(gate . x) (Qwen2-MoE)
  // Scores are a softmax over all experts, or a sigmoid of each (DeepSeek-V3, LFM2-MoE). sparse_mixer: one after the
  // other the best expert is chosen, its weight a softmax over those of the rest that are nearly as good (Liu et al.
  // 2024, arXiv:2409.12136; Phi-3.5-MoE): (best - s) / max(|s|, best) <= 2 * jitter.
  enum class Scores : unsigned char { softmax, sigmoid, sparse_mixer } scores = Scores::softmax;
  float jitter = 0;
  bool router_bias = false;
  bool interleaved = false;  // where one map makes gates and ups, they take turns (gpt-oss)
  // Above 1: only the experts of the n_active_groups groups with the largest scores can be chosen (DeepSeek-V2).
  int n_groups = 1, n_active_groups = 1;
  bool selection_bias = false;  // a learned bias is added to the scores for choosing, not for weighing
  float routed_scale = 1;       // of the chosen experts' sum

  std::size_t state_floats() const { return 0; }
};
// RWKV's channel mixing: a feed-forward network that also sees the row before.
struct ChannelMixSpec {
  int version = 4;  // 4 and 5: k = mix x + (1 - mix) before; 6 and 7: x + mix (before - x)
  int d_model = 0, d_ff = 0;
  bool receptance = true;  // the result is multiplied by sigmoid(W_r r) (not in 7)

  std::size_t state_floats() const { return std::size_t(d_model); }  // the last input
};

// monostate: the block is its mixer alone (Mamba, Nemotron-H). A variant, and not an optional, so that it is visited.
using FfnSpec = std::variant<FeedForwardSpec, ExpertsSpec, std::monostate, ChannelMixSpec>;

// One block. What is absent is not done.
//   sequential:  x += s * post_mixer_norm(mixer(mixer_norm(x)));  x += s * post_ffn_norm(feed(ffn_norm(x)))
//   parallel:    x += s * mixer(mixer_norm(x)) + s * feed(ffn_norm(x)), both of the same x; without a ffn_norm the feed
//                reads mixer_norm(x) as well (GPT-J, Falcon, Cohere)
//   norm after:  x = mixer_norm(x + mixer(x));  x = ffn_norm(x + feed(x)) (the original Transformer; OPT-350m)
//   norm of sum: x = post_mixer_norm(x + mixer(mixer_norm(x)));  the same for the feed (Huginn)
//   toward:      x = mixer_norm(x); x += a * (post_mixer_norm(mixer(x)) - x), a: learned, one a channel;  the same for
//                the feed (nGPT, Loshchilov et al. 2024, arXiv:2410.01131)
// x += norm(W_p(act(W_g x) * e)), e: the layer's part of the token's second embedding (Gemma 4)
struct LayerInputSpec {
  int width = 0;
  Activation activation = Activation::gelu_tanh;
  NormSpec norm;
};
struct LayerSpec {
  enum class Order : unsigned char { sequential, parallel, post_norm, norm_of_sum, toward } order = Order::sequential;
  std::optional<NormSpec> mixer_norm;
  MixerSpec mixer;
  std::optional<NormSpec> post_mixer_norm;
  std::optional<NormSpec> ffn_norm;
  FfnSpec ffn;
  std::optional<NormSpec> post_ffn_norm;
  float residual_scale = 1;                   // s above (Granite, MiniCPM)
  float rate_scale = 1;                       // a above is the size of rate_scale times what the file holds
  std::optional<LayerInputSpec> layer_input;  // after both parts
  bool output_scale = false;                  // x is multiplied by a number in the file at the end (Gemma 4)
};

// Floats that a layer remembers of a sequence besides keys and values: the mixer's, then the feed-forward part's.
struct LayerStateFloats {
  std::size_t mixer = 0, ffn = 0;
  std::size_t total() const { return mixer + ffn; }
};
LayerStateFloats state_floats(const LayerSpec& layer);

// A second embedding, one part for each layer: e = (norm(W x / sqrt(d_model)) + scale * row of the token) / sqrt(2), x:
// the embedding (Gemma 4).
struct LayerEmbeddingSpec {
  int vocab_size = 0, width = 0;  // width: of each layer's part
  float scale = 1;
  NormSpec norm;  // of each layer's part
};
// norm(act(W x)) between the last norm and the output matrix (ModernBERT).
struct OutputHeadSpec {
  Activation activation = Activation::gelu_erf;
  NormSpec norm;
  bool bias = false;
};
// ---- passes over the layers ----
// One way through some layers, in their order. First x, the residual stream, is made ready, in this order:
struct Pass {
  bool norm = false;                                                     // x = final_norm(x)
  std::optional<std::size_t> keep;                                       // x is kept under this number
  bool from_zero = false;                                                // x = 0
  enum class Join : unsigned char { none, add, map } join = Join::none;  // x += kept; x = W [x, kept]
  std::size_t joined = 0;                                                // the number of what is joined
  std::vector<std::size_t> layers = {};
};

// Networks that go through layers more than once (Dehghani et al. 2018, arXiv:1807.03819): `before`, then the loop's
// passes, `first` once and `again` for each further loop, then `after`. `first` and `again` go through the same layers.
// Each pass has keys and values of its own. After any number of loops the network can go on with `after` and its output.
struct LoopSpec {
  std::vector<Pass> before, first, again, after;
  std::size_t loops = 1;
  std::size_t n_kept = 0;
  std::optional<std::size_t> learned_start;  // what is kept under this number begins as a learned vector
  bool map_bias = false;                     // of the map that joins
  // After each loop a learned map tells how likely it is the last: lambda = sigmoid(w . final_norm(x) + b) (Ouro, Zhu et
  // al. 2025, arXiv:2510.25741). The threshold is of 1 - product of all (1 - lambda), as the file has it.
  bool gate = false;
  float gate_threshold = 1;

  bool joins_by_map() const;
};
inline constexpr std::size_t kMaxLoops = 256;

struct ModelSpec {
  std::string family;  // the files' word, for people; code never branches on it
  int d_model = 0;
  int vocab_size = 0;
  int context_length = 0;  // positions the model was made for
  PositionSpec positions;
  // width of the embedding where it is not d_model: a matrix widens it, another narrows the last hidden state
  // (OPT-350m); 0: d_model
  int d_embedding = 0;
  float embedding_scale = 1;               // multiplies embeddings, before positions are added
  std::optional<NormSpec> embedding_norm;  // BLOOM
  // its row of the embedding counts as zeros, whatever the file holds (Youtu)
  std::optional<TokenId> zero_token;
  // The order of BERT: embedding, position and type of the token are added, then normalized, then widened.
  bool sums_before_norm = false;
  // rows of a matrix of which one is added to each token: which of several texts it is of
  int n_token_types = 0;
  bool project_in_bias = false;  // of the matrix that widens
  std::vector<LayerSpec> layers;
  std::vector<std::size_t> stacks;  // sizes of the stacks that files number by themselves; empty: there is one
  std::optional<LoopSpec> loop;     // nothing: once through all layers
  std::optional<LayerEmbeddingSpec> layer_embedding;
  std::optional<NormSpec> final_norm;
  std::optional<OutputHeadSpec> output_head;  // d_embedding outputs, where that is not 0
  bool has_output = true;                     // false: hidden states are all it gives (sentence embedders)
  bool tied_output = false;                   // the output matrix is the embedding matrix
  bool output_bias = false;
  bool output_scales = false;       // each logit is multiplied by a learned number besides (Dory)
  float logit_scale = 1;            // multiplies logits
  float final_logit_softcap = 0;    // above 0: logits z become cap * tanh(z / cap), after the scale
  std::vector<TokenId> eos_tokens;  // any of them ends the text; bos_token is among them
  std::optional<TokenId> bos_token;
};

// Where the network goes through a layer: `slot` is where a sequence keeps what it remembers of it. The slots of `before`
// come first, then those of `after`, then those of the loops, so that they do not depend on the number of loops.
struct LayerVisit {
  std::size_t layer = 0, slot = 0;
};
// In the order in which layers are gone through, with so many loops (0: the spec's own).
std::vector<LayerVisit> layer_visits(const ModelSpec& spec, std::size_t loops = 0);
// The layer of each slot.
std::vector<std::size_t> slot_layers(const ModelSpec& spec, std::size_t loops = 0);
// Loops of the network; 1 where there are none.
std::size_t loops_of(const ModelSpec& spec);

// Whether a token of the network sees those behind it: the text is no continuation, and is run whole.
bool sees_both_sides(const ModelSpec& spec);

}  // namespace continuo
