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
#include "sampling/options.h"

namespace continuo {

// The tokens of a text so far, counted.
class History {
 public:
  struct Seen {
    TokenId token;
    std::uint32_t count;  // in the continuation
  };

  void add_prompt(TokenId token) { entry(token); }
  void add(TokenId token) { ++entry(token).count; }
  // Distinct tokens of prompt and continuation, in order of appearance.
  std::span<const Seen> seen() const { return seen_; }

 private:
  Seen& entry(TokenId token);
  std::uint32_t& slot(TokenId token);
  void grow();

  std::vector<Seen> seen_;
  std::vector<std::uint32_t> slots_;  // open addressing: index in seen_ + 1, or 0; at most half are taken
};

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

// What the stages work on. Until the temperature stage only `scores` matters, from then on only `candidates`.
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
  // If candidates are those alone that top-p may keep: the weight of all scores, of the candidates that are better than
  // `ranks`, and how far sums in another order may be off.
  struct Likely {
    double total = 0, before = 0, doubt = 0;
  } likely = {};

  // The scores, to be changed.
  std::span<float> own_scores() {
    if (scores.data() != changed.data()) changed.assign(scores.begin(), scores.end());
    scores = changed;
    return changed;
  }
};

struct Stage {
  std::string_view name;
  bool (*active)(const SamplingOptions& options);  // false: the stage would change nothing
  void (*apply)(Chain& chain);
};

std::span<const Stage> stages();

}  // namespace continuo
