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
  explicit History(std::size_t vocab_size) : counts_(vocab_size), seen_(vocab_size) {}
  void add_prompt(TokenId token);
  void add(TokenId token);
  // Distinct tokens of prompt and continuation, in order of appearance.
  std::span<const TokenId> tokens() const { return tokens_; }
  // Occurrences in the continuation.
  std::uint32_t count(TokenId token) const { return counts_[static_cast<std::size_t>(token)]; }

 private:
  std::vector<TokenId> tokens_;
  std::vector<std::uint32_t> counts_;
  std::vector<bool> seen_;
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
  std::vector<float>& scores;          // by token id
  std::vector<Candidate>& candidates;  // in ascending order of id, before and after every stage
  std::vector<Rank>& ranks;            // scratch
};

struct Stage {
  std::string_view name;
  bool (*active)(const SamplingOptions& options);  // false: the stage would change nothing
  void (*apply)(Chain& chain);
};

std::span<const Stage> stages();

}  // namespace continuo
