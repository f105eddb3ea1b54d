// The stages between logits and the draw. Each is one function over a Chain and one row of kStages; a new
// stage is one more of both.
//
// The arithmetic is that of Hugging Face's logits processors (repetition penalty, temperature, top-k, top-p,
// min-p, locally typical) and of the OpenAI API (logit bias, presence and frequency penalty), with one
// difference: where tokens are equally good, the lower ids are kept, so that top-k keeps exactly k.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "sampling/history.h"
#include "sampling/options.h"

namespace continuo {

// Where a draw is made.
struct Draw {
  std::uint64_t sample = 0;    // which of several samples of a prompt
  std::uint64_t position = 0;  // of the token to be drawn
};

// What some stages learn from the tokens that were chosen: a function of the logits and the draws so far.
struct SamplingFeedback {
  double mirostat_mu = 0;                        // bits
  double adaptive_sum = 0, adaptive_weight = 0;  // of the chosen tokens' probabilities, decaying
};
// Before the first token.
SamplingFeedback first_feedback(const SamplingOptions& options);

struct Candidate {
  TokenId id;
  float score;    // logit after bias and penalties
  double weight;  // proportional to the probability; the best has 1
};

// What "better" means while candidates are ranked: the larger merit, then the earlier candidate (the lower
// id).
struct Rank {
  double merit;
  std::uint32_t index;  // in Chain::candidates
};

struct Stage;

// What the stages work on: until there are candidates only `scores` matters, from then on only `candidates`.
struct Chain {
  const SamplingOptions& options;
  const History& history;
  std::span<const float> scores;       // by token id
  std::vector<float>& changed;         // memory for scores that are not the logits
  std::vector<Candidate>& candidates;  // in ascending order of id, before and after every stage
  std::vector<Rank>& ranks;            // scratch
  std::vector<std::int32_t>& bests;    // scratch: the best of each group of scores (order.h)
  std::vector<double>& weights;        // scratch: by token id, or by candidate
  bool show_all = false;  // the temperature stage makes candidates of scores too that later ones surely drop
  // If candidates are those alone that top-p may keep: the weight of all scores, of the candidates that are
  // better than `ranks`, and how far sums in another order may be off.
  struct Likely {
    double total = 0, before = 0, doubt = 0;
  } likely = {};
  Draw draw = {};
  SamplingFeedback feedback = {};
  std::span<const std::uint64_t> allowed = {};  // a bit a token id: those that may come; empty: all
  const Stage* next = nullptr;  // the active stage after this one; null: there is none, or candidates may be wanted
  // A candidate's weight is exp((score - largest) / temperature); 0: there are no candidates yet.
  double largest = 0, temperature = 0;

  // The scores, to be changed.
  std::span<float> own_scores() {
    if (scores.data() != changed.data()) changed.assign(scores.begin(), scores.end());
    scores = changed;
    return changed;
  }
};

// What a stage works on. `temperature` makes candidates of scores, or weighs those that there are anew; so
// does `last`, which stands behind all others.
enum class StageKind : std::uint8_t { first, scores, temperature, candidates, last };

struct Stage {
  std::string_view name;
  std::string_view option;  // its name in SamplingOptions::samplers; empty: it has one place
  StageKind kind;
  bool (*active)(const SamplingOptions& options);  // false: the stage would change nothing
  void (*apply)(Chain& chain);
};

// All of them in the usual order.
std::span<const Stage> stages();
// Those that run with these options, active or not, in the order that they say.
std::vector<const Stage*> ordered_stages(const SamplingOptions& options);
// An error names what is none, or stands before what it has to follow.
Result<void> validate_samplers(const SamplingOptions& options);

// Drops the scores of tokens that are not allowed.
void keep_allowed(Chain& chain);
// Whether the stage works on candidates and there are none yet: make_candidates() makes them, at temperature
// 1 (or the best alone, at temperature 0).
bool wants_candidates(const Stage& stage, const Chain& chain);
void make_candidates(Chain& chain);
// All that are active, and candidates at the end.
void apply_stages(std::span<const Stage* const> order, Chain& chain);

// After a draw: what was chosen of the chain's last candidates, as feedback for the next.
SamplingFeedback learn(const Chain& chain, const Candidate& chosen);

}  // namespace continuo
