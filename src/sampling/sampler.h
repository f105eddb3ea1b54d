// Logits -> one token: penalties and bias, temperature, filters, one draw. stages.cpp has the stages in their
// order; each does nothing at its default. The draw is a pure function of (seed, sample, position): no state,
// so any order of computation draws alike. What Mirostat and adaptive-p learn is a function of the logits and
// draws before.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/types.h"
#include "sampling/options.h"
#include "sampling/stages.h"

namespace continuo {

// Memory for one draw at a time, by any sampler.
struct SamplingScratch {
  std::vector<float> scores;
  std::vector<Candidate> candidates;
  std::vector<Rank> ranks;
  std::vector<std::int32_t> bests;
  std::vector<double> weights;

  // What it takes at the most.
  static constexpr std::size_t bytes(std::size_t vocab_size) {
    return vocab_size * (sizeof(float) + sizeof(Candidate) + sizeof(Rank) + sizeof(std::int32_t) + sizeof(double));
  }
};

class Sampler {
 public:
  // `options` must be valid for `vocab_size`.
  Sampler(SamplingOptions options, std::size_t vocab_size);

  // A token of the text so far (prompt or generated); the penalties count it. Repetition counts prompt and
  // continuation; presence and frequency count the continuation alone, as the OpenAI API does.
  void observe_prompt(TokenId token) {
    if (counts_) history_.add_prompt(token);
  }
  void observe(TokenId token) {
    if (counts_) history_.add(token);
  }

  // `logits`: vocab_size scores, left unchanged. Scores that are not finite (NaN, infinities) are never
  // drawn; nothing is drawn if no score is finite. `allowed`: a bit a token, those that may be drawn; empty:
  // all.
  std::optional<TokenId> sample(std::span<const float> logits, Draw draw, SamplingScratch& scratch,
                                std::span<const std::uint64_t> allowed = {});
  // With memory of its own, for a single draw.
  std::optional<TokenId> sample(std::span<const float> logits, Draw draw) {
    SamplingScratch scratch;
    return sample(logits, draw, scratch);
  }

  // A token that alone could come, without a draw: the same as if it were drawn.
  void force(TokenId token);

  const SamplingOptions& options() const { return options_; }
  // What was learned from the draws so far; a sampler that goes on with the same text resumes with it.
  const SamplingFeedback& feedback() const { return feedback_; }
  void resume(const SamplingFeedback& feedback) { feedback_ = feedback; }

 private:
  SamplingOptions options_;
  std::size_t vocab_size_;
  bool counts_;  // a stage asks for the text so far
  History history_;
  std::vector<const Stage*> order_;
  SamplingFeedback feedback_;
};

// ln softmax(logits)[id], in double with the largest logit subtracted, over the finite logits; -infinity for
// others.
double log_probability(std::span<const float> logits, TokenId id);

// Whether the token has a probability, be it 0: its logit is a number or -infinity, and some logit is finite.
bool has_probability(std::span<const float> logits, TokenId id);

// Whether no token is likelier, and no lower id as likely.
bool is_likeliest(std::span<const float> logits, TokenId id);

struct TokenLogprob {
  TokenId token;
  double logprob;
};
// The same of several.
std::vector<TokenLogprob> token_logprobs(std::span<const float> logits, std::span<const TokenId> ids);
// The k most likely, best first, the lower id first among equals.
std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, std::size_t k);

}  // namespace continuo
