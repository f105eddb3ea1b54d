// What is known of one text in one model after a recorded pass: plain numbers, which panels draw and JSON
// prints. A window of the text is recorded, tokens [from, to); "position" in a record counts from the text's
// beginning, rows and columns of matrices from the window's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/spec.h"

namespace continuo::explain {

// A row-major matrix.
struct Grid {
  std::size_t rows = 0, cols = 0;
  std::vector<float> values;
  Grid() = default;
  Grid(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c) {}
  float& at(std::size_t r, std::size_t c) { return values[r * cols + c]; }
  const float& at(std::size_t r, std::size_t c) const { return values[r * cols + c]; }
};

// What can be computed of a text; each view says what it needs.
enum Part : unsigned {
  kNeighbours = 1u << 0,   // of embeddings
  kPass = 1u << 1,         // the watched pass; those below need it
  kAttention = 1u << 2,    // its matrices
  kMemory = 1u << 3,       // its scans, unrolled
  kLens = 1u << 4,         // each layer's guess
  kOtherwise = 1u << 5,    // how the text would have gone on
  kAttribution = 1u << 6,  // who wrote the answer
  kWhatIf = 1u << 7,       // parts left out
  kTree = 1u << 8,         // continuations
  kUnmasked = 1u << 9,     // the mask taken away
  kPhases = 1u << 10,      // time by part
  kCurve = 1u << 11,       // time by length
  kAllParts = (1u << 12) - 1,
};

struct Guess {
  TokenId id = 0;
  float probability = 0;
};

// ---- input ----
// Why a token begins where it does.
enum class Cut : unsigned char {
  start,        // the text begins
  special,      // a special token stands here or before, and is never joined with text
  word,         // a blank begins: another word
  no_piece,     // no piece of the vocabulary spells this token and the one before together
  words_first,  // such a piece exists, but the text is cut into words before pieces are joined
  merge,        // such a piece exists, but other joins came first
  unknown,      // no tokenizer at hand
};

struct Neighbour {
  TokenId id = 0;
  float cosine = 0;
};

struct TokenRecord {
  TokenId id = 0;
  std::string piece;  // as the tokenizer's file writes it; the id where there is none
  std::string text;   // the bytes that it spells
  bool special = false;
  bool generated = false;
  Cut cut = Cut::unknown;
  std::optional<TokenId> joined;  // words_first, merge: that piece
  float embedding_norm = 0;       // of its row of the embedding matrix
  std::vector<Neighbour> nearest;
};

enum class PositionKind : unsigned char { none, learned, sinusoidal, rope, alibi };

struct PositionRecord {
  PositionKind kind = PositionKind::none;
  // learned, sinusoidal: the rows of the window's positions, and how alike they are.
  Grid rows;     // n x d_model
  Grid cosines;  // n x n
  // rope, of the first layer that has it: the turn per position of each pair in radians, rotary_dim / 2.
  std::size_t rope_layer = 0;
  std::size_t rotary_dim = 0, head_dim = 0;
  double theta = 0;
  std::vector<float> turns;
  std::vector<std::size_t> layers_without;  // rope, alibi: layers that do not have it
  // alibi: n_heads
  std::vector<float> slopes;
};

// ---- attention ----
struct HeadFacts {
  double off_diagonal = 0;          // share of rows after the first whose largest weight is not on themselves
  double asymmetry = 0;             // ||S - S^T|| / ||S|| of the scores before the mask, Frobenius
  double first_token = 0;           // mean weight of rows after the first on the text's first token
  double entropy = 0;               // mean over rows, in bits
  double previous_token = 0;        // mean weight of rows after the first on the token before them
  double own_token = 0;             // mean weight of rows after the first on themselves
  std::optional<double> induction;  // mean weight on tokens that followed an earlier occurrence of the row's token
};

// What a head is seen to do; the name that the literature has for it.
enum class HeadKind : unsigned char { mixed, previous_token, first_token, own_token, induction };

struct HeadRecord {
  std::size_t kv_head = 0;
  Grid queries;               // n x head_dim, as they meet the keys
  Grid scores;                // n x n: scale * q.k with cap and bias, before the mask
  Grid weights;               // n x n: after mask and softmax; 0 where masked
  Grid unmasked;              // n x n: the softmax of the whole row, as if nothing were masked; 0 x 0 unless asked for
  std::vector<float> before;  // n: the weight on tokens before the window
  std::vector<float> sink;    // n: the weight on the head's sink; empty where it has none
  HeadFacts facts;
};

struct AttentionRecord {
  AttentionSpec spec;
  std::vector<HeadRecord> heads;
  std::vector<Grid> keys, values;  // of each head of keys: n x head_dim, as they are remembered
  std::vector<float>
      last_inputs;  // what the output map takes of the window's last row: the heads' results side by side

  // Whether a row sees a column, both counted from the window's beginning.
  bool sees(std::size_t row, std::size_t col) const {
    const std::size_t window = spec.window > 0 ? static_cast<std::size_t>(spec.window) : SIZE_MAX;
    if (spec.mask == AttentionSpec::Mask::causal) return col <= row && row - col < window;
    return spec.window == 0 || (row > col ? row - col : col - row) <= window;
  }
};

// ---- what a recurrent mixer remembers ----
// Of one head or channel, whose state is S (layers/recurrence_view.h); n: the window's tokens.
struct UnitRecord {
  std::optional<std::size_t> index;  // none: the mean over channels, of matrices the mean of their values' sizes
  Grid weights;                      // n x n: the factor of the column's value in the row's result
  std::vector<float> before;         // n: share of the result's size that comes from before the window
  // n: lengths of what is left of S when the token comes, of what it writes, and of S after it.
  std::vector<float> carried, written, state;
  std::vector<float> forgotten;  // n: share of S's length that is gone before the token writes
  std::vector<float> decay;      // n: -ln of what is kept of S's rows, their mean
};

struct MemoryRecord {
  std::string kind;    // short_conv, mamba, mamba2, delta_net, rg_lru, rwkv4, rwkv, rwkv7
  bool heads = false;  // units are heads, else channels
  bool fades = true;   // else S is a queue
  std::size_t n_units = 0, key_dim = 0, value_dim = 0;
  std::size_t averaged = 0;  // channels that the mean is over, evenly spaced; 0: there is no mean
  // All heads; or the mean and some channels, from the one that forgets fastest to the slowest.
  std::vector<UnitRecord> units;
};

// ---- stack ----
struct Neuron {
  std::size_t index = 0;
  float activation = 0;
};

// Where a row was sent in a mixture of experts.
struct ExpertChoice {
  std::size_t expert = 0;
  float weight = 0;
};
struct RoutingRecord {
  std::size_t n_experts = 0, n_active = 0;
  bool shared = false;                          // every row goes through one more
  std::vector<std::vector<ExpertChoice>> rows;  // n, each in order of the experts
};

struct LayerRecord {
  std::optional<AttentionRecord> attention;
  std::optional<MemoryRecord> memory;
  std::optional<RoutingRecord> routing;
  std::vector<float> last_mixed, last_fed;  // d_model: what the two parts add to the last row; empty where absent
  // Per row: lengths of the residual stream after the block, and of what its two parts add to it.
  std::vector<float> residual, mixer_part, feed_part;
  std::size_t d_ff = 0;                      // 0: the hidden layer cannot be seen as one (experts)
  std::vector<std::vector<Neuron>> neurons;  // per row, the largest by size first
  double positive = 0;                       // share of the hidden layer's values above 0
  // What the output layer makes of the residual stream here: the guess at the token that follows each row.
  std::vector<std::vector<Guess>> lens;
  std::vector<std::size_t> final_rank;   // per row: rank (from 0) of the last layer's first choice
  std::vector<float> final_probability;  // per row: its probability
};

// ---- loops ----
// After a loop of a network that has them, for each row of the window: what it would say if this loop were the last.
struct LoopRow {
  std::vector<Guess> guesses;      // the token that follows
  double entropy = 0;              // bits
  std::optional<double> kl;        // KL(p || p of the loop before), nats; none after the first
  std::optional<double> change;    // |x - x of the loop before| / |x|
  std::optional<double> lambda;    // how likely the gate takes this loop to be the last, if none before it was
  std::optional<double> gate_sum;  // and that it or one before it is
};
struct LoopRecord {
  std::vector<LoopRow> rows;
};

// ---- output ----
struct Continuation {  // how the text would go on, greedily
  TokenId first = 0;
  float probability = 0;
  std::vector<TokenId> rest;
};

struct RowOutput {
  std::vector<Guess> guesses;                // what follows, by the model's own distribution
  double entropy = 0;                        // of that distribution, bits
  std::optional<TokenId> next;               // what does follow in the text
  std::optional<double> logprob;             // ln p of it
  std::optional<std::size_t> rank;           // its rank, from 0
  std::optional<std::size_t> first_leading;  // the first layer from which on the last layer's choice leads
  std::optional<Continuation> otherwise;     // with the best token that does not follow
};

struct LadderStage {
  std::string name;
  bool active = false;
  std::size_t changed = 0;  // scores that it changed
  std::size_t kept = 0;     // tokens that can still be drawn
  std::size_t removed = 0;
  double mass = 1;             // of the distribution after temperature that is left
  std::vector<Guess> best;     // the distribution after the stage
  std::vector<Guess> dropped;  // the best that it removed, with the probability they had
};

struct Ladder {
  std::vector<Guess> logits_best;  // `probability` holds the logit
  std::vector<LadderStage> stages;
  std::optional<TokenId> drawn;
  float temperature = 1;
  std::size_t top_k = 0;  // 0: all
  float top_p = 1;
  bool greedy = false;      // one candidate: nothing is drawn
  double number = 0;        // in [0, 1)
  double from = 0, to = 0;  // the part of [0, 1) that is the drawn token's
  std::size_t position = 0;
};

// ---- who wrote the answer ----
// The logit of a token after the window's last row is a sum of what the parts of the network added to the stream, once
// the last norm's divisor is taken as it was: direct logit attribution (Elhage et al. 2021).
struct PartShare {
  enum class Kind : unsigned char { embedding, head, mixer, feed, input, bias, rest } kind = Kind::rest;
  std::size_t layer = 0, head = 0;  // of the kinds that have them
  double answer = 0, rival = 0;     // its part of either logit
};
struct Attribution {
  std::string absent;                        // why there is none: "", "post_norm", "output_head"
  Guess answer, rival;                       // the likeliest tokens, `probability` holds it
  double answer_logit = 0, rival_logit = 0;  // before the cap, where the model has one
  std::vector<PartShare> parts;  // a mixer's part is listed where its heads are not; they add up to the logits
};

// ---- what if ----
// The next token once something is left out.
struct Ablation {
  std::size_t layer = 0, head = 0, row = 0;  // what it is; row: of the window
  std::vector<Guess> best;                   // the likeliest then
  float answer = 0;                          // the probability of what was likeliest
  double divergence = 0;                     // bits: KL(before || then)
};
struct WhatIf {
  std::vector<Guess> before;
  std::vector<Ablation> tokens, layers, heads;
  std::size_t n_heads = 0;  // that could have been left out
  bool complete = true;     // else the work's limit was reached
};

// ---- continuations as a tree ----
struct TreeNode {
  TokenId id = 0;
  float probability = 0;  // after its parent
  double path = 0;        // of all tokens from the root on
  std::optional<std::size_t> parent;
  bool expanded = false;  // its children are known
};

// ---- the mask taken away in every layer ----
struct Unmasked {
  std::string absent = "model";                 // why it was not done: "", "model" (not attention alone), "window"
  std::vector<std::optional<double>> logprobs;  // n: ln p of the token behind the row, which the row then sees
  std::optional<Grid> weights;                  // n x n: of the head that is drawn large
};

// ---- cost ----
// Multiplications and additions of reading a prompt, and of one further token with the cache, by part.
struct WorkPoint {
  std::size_t length = 0;
  double attention = 0, scan = 0, feed = 0, other = 0;
  double decode_attention = 0, decode_scan = 0, decode_other = 0;
  double whole() const { return attention + scan + feed + other; }
};

struct PhaseCost {
  std::string name;  // input, projections, attention, scan, feed_forward, output
  std::optional<std::size_t> layer;
  double operations = 0;  // multiplications and additions
  double bytes = 0;       // of weights and cache read, each once
  double seconds = 0;
};

struct CurvePoint {
  std::size_t length = 0;
  double prefill = 0;            // seconds for a prompt of that length
  double prefill_attention = 0;  // of these, inside the attention kernel: the quadratic part
  double prefill_scan = 0;       // of these, in recurrent mixers' scans
  double prefill_feed = 0;       // of these, in feed-forward networks
  double decode = 0;             // seconds for one further token with the cache
  double decode_attention = 0, decode_scan = 0;
};

struct CostRecord {
  std::vector<PhaseCost> phases;
  std::size_t cache_bytes_per_token = 0;
  std::size_t state_bytes = 0;  // what is remembered besides, whatever the length
  std::size_t weight_bytes = 0;
  std::vector<WorkPoint> work;  // lengths 16, 32, ... 4096
  std::vector<CurvePoint> curve;
  std::size_t curve_limit = 0;  // the longest length wanted
  std::string curve_end;        // why the curve ends before: "", "time", "positions"
  int threads = 1;
  std::string kernels;
  std::size_t context_length = 0;
};

struct Recording {
  std::string model;
  std::string family;
  std::size_t d_model = 0, vocab_size = 0, context_length = 0;
  std::size_t text_tokens = 0;  // of the whole text
  std::size_t from = 0, to = 0;
  bool without_mask = false;
  bool has_tokenizer = false;
  bool both_sides = false;     // every token sees those behind it too
  bool has_output = true;      // there are logits
  unsigned parts = kAllParts;  // what was asked for; the rest is empty
  std::vector<TokenRecord> tokens;
  PositionRecord positions;
  std::vector<float> embedded;      // lengths of the input rows (embedding and position), n
  std::vector<LayerRecord> layers;  // as often as they are gone through
  std::vector<LoopRecord> loops;    // none where the network has none
  float gate_threshold = 1;         // of its gate
  // What follows each row. Where the network sees both sides: what stands at the row, hidden behind a mask, given all
  // others; `next` is the row's own token then.
  std::vector<RowOutput> outputs;
  std::optional<double> perplexity;  // of the window's tokens that something stands before
  Ladder ladder;
  Attribution attribution;
  WhatIf what_if;
  std::vector<TreeNode> tree;  // after the window; parents stand before their children
  Unmasked unmasked;
  std::shared_ptr<const Recording> beside;  // of another text or another model
  CostRecord cost;
  std::vector<Grid> hidden;         // the residual stream: input, then after each layer; n x d_model
  Grid logits;                      // n x vocab_size
  std::vector<std::string> pieces;  // by id, of every token that is mentioned; empty elsewhere

  std::size_t rows() const { return to - from; }
};

}  // namespace continuo::explain
