#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "sampling/exact_math.h"
#include "sampling/random.h"

namespace continuo {

Sampler::Sampler(SamplingOptions options, std::size_t vocab_size)
    : options_(std::move(options)),
      vocab_size_(vocab_size),
      counts_(options_.repeat_penalty != 1 || options_.presence_penalty != 0 || options_.frequency_penalty != 0) {}

namespace {

// The candidate at which the running sum of weights, in order of ids, passes u times their total.
TokenId draw_candidate(std::span<const Candidate> candidates, double u) {
  double total = 0;
  for (const Candidate& candidate : candidates)
    total += candidate.weight;
  const double target = u * total;
  double passed = 0;
  for (const Candidate& candidate : candidates) {
    passed += candidate.weight;
    if (passed > target) return candidate.id;
  }
  return candidates.back().id;  // not reached: target < total, and the sums are the same additions
}

}  // namespace

std::optional<TokenId> Sampler::sample(std::span<const float> logits, Draw draw,
                                       SamplingScratch& scratch) const {
  CONTINUO_CHECK(logits.size() == vocab_size_, "as many logits as tokens");
  Chain chain{options_,           history_,      logits,        scratch.scores,
              scratch.candidates, scratch.ranks, scratch.bests, scratch.weights};
  for (const Stage& stage : stages()) {
    if (stage.active(options_)) stage.apply(chain);
  }
  if (scratch.candidates.empty()) return std::nullopt;
  if (scratch.candidates.size() == 1) return scratch.candidates.front().id;
  return draw_candidate(scratch.candidates, uniform(options_.seed, draw.sample, draw.position));
}

namespace {

// ln of the sum of exp over the finite logits; NaN if there are none.
double log_normalizer(std::span<const float> logits) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const float logit : logits) {
    if (std::isfinite(logit) && logit > largest) largest = logit;
  }
  double sum = 0;
  for (const float logit : logits) {
    if (std::isfinite(logit)) sum += exact_exp(logit - largest);
  }
  return sum > 0 ? largest + exact_log(sum) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double log_probability(std::span<const float> logits, TokenId id) {
  const float logit = logits[static_cast<std::size_t>(id)];
  if (!std::isfinite(logit)) return -std::numeric_limits<double>::infinity();
  return logit - log_normalizer(logits);
}

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, std::size_t k) {
  const auto better = [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.token < b.token;
  };
  std::vector<TokenLogprob> best;  // a heap, the worst first; logprob holds the logit until the end
  k = std::min(k, logits.size());
  if (k == 0) return best;
  best.reserve(k);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (best.size() == k && !(logits[i] > best.front().logprob)) continue;
    if (!std::isfinite(logits[i])) continue;
    if (best.size() == k) std::pop_heap(best.begin(), best.end(), better), best.pop_back();
    best.push_back({static_cast<TokenId>(i), logits[i]});
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort_heap(best.begin(), best.end(), better);
  const double normalizer = log_normalizer(logits);
  for (TokenLogprob& entry : best)
    entry.logprob -= normalizer;
  return best;
}

}  // namespace continuo
