#include "sampling/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "sampling/exact_math.h"
#include "sampling/order.h"
#include "sampling/random.h"

namespace continuo {

namespace {

bool asks_for_text(const SamplingOptions& o) {
  return o.repeat_penalty != 1 || o.presence_penalty != 0 || o.frequency_penalty != 0 || o.dry_multiplier != 0 ||
         o.no_repeat_ngram > 0 || o.length_penalty_factor != 1 || o.min_tokens > 0;
}

}  // namespace

Sampler::Sampler(SamplingOptions options, std::size_t vocab_size)
    : options_(std::move(options)),
      vocab_size_(vocab_size),
      counts_(asks_for_text(options_)),
      history_(options_.repeat_last_n),
      order_(ordered_stages(options_)),
      feedback_(first_feedback(options_)) {
  options_.logit_bias = merged(std::move(options_.logit_bias));
}

namespace {

// The candidate at which the running sum of weights, in order of ids, passes u times their total.
const Candidate& draw_candidate(std::span<const Candidate> candidates, double u) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  const double target = u * total;
  double passed = 0;
  for (const Candidate& candidate : candidates) {
    passed += candidate.weight;
    if (passed > target) return candidate;
  }
  return candidates.back();  // not reached: target < total, and the sums are the same additions
}

}  // namespace

std::optional<TokenId> Sampler::sample(std::span<const float> logits, Draw draw, SamplingScratch& scratch,
                                       std::span<const std::uint64_t> allowed) {
  CONTINUO_CHECK(logits.size() == vocab_size_, "as many logits as tokens");
  scratch.candidates.clear();
  Chain chain{options_,           history_,      logits,        scratch.scores,
              scratch.candidates, scratch.ranks, scratch.bests, scratch.weights};
  chain.draw = draw;
  chain.feedback = feedback_;
  chain.allowed = allowed;
  apply_stages(order_, chain);
  if (scratch.candidates.empty()) return std::nullopt;
  const Candidate& chosen =
      scratch.candidates.size() == 1
          ? scratch.candidates.front()
          : draw_candidate(scratch.candidates, uniform(options_.seed, draw.sample, draw.position));
  feedback_ = learn(chain, chosen);
  return chosen.id;
}

void Sampler::force(TokenId token) {
  std::vector<Candidate> only = {{token, 0, 1}};
  SamplingScratch scratch;
  scratch.weights = {1};
  Chain chain{options_, history_, {}, scratch.scores, only, scratch.ranks, scratch.bests, scratch.weights};
  chain.feedback = feedback_;
  feedback_ = learn(chain, only.front());
  observe(token);
}

namespace {

// The order of the largest finite logit; kNotFinite if there is none.
std::int32_t best_order(std::span<const float> logits) {
  constexpr std::size_t kAtOnce = 64 * kScoreGroup;
  std::array<std::int32_t, kAtOnce / kScoreGroup> bests;
  std::int32_t best = kNotFinite;
  for (std::size_t start = 0; start < logits.size(); start += kAtOnce) {
    best = std::max(best, best_orders(logits.subspan(start, std::min(kAtOnce, logits.size() - start)), bests.data()));
  }
  return best;
}

// ln of the sum of exp over the finite logits; NaN if there are none.
double log_normalizer(std::span<const float> logits) {
  const std::int32_t best = best_order(logits);
  if (best == kNotFinite) return std::numeric_limits<double>::quiet_NaN();
  const double largest = score_of(best);
  constexpr std::size_t kAtOnce = 256;
  std::array<std::int32_t, kAtOnce> buckets;
  std::array<double, kAtOnce> powers;
  double sum = 0;
  for (std::size_t start = 0; start < logits.size(); start += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, logits.size() - start);
    exact_exp_scores(logits.subspan(start, n), largest, 1, buckets.data(), powers.data());
    std::fill(powers.begin() + static_cast<std::ptrdiff_t>(n), powers.end(), 0.0);
    double even = 0, odd = 0;  // an addition waits for the one before
    for (std::size_t i = 0; i < kAtOnce; i += 2) even += powers[i], odd += powers[i + 1];
    sum += even + odd;
  }
  return largest + exact_log(sum);
}

}  // namespace

bool has_probability(std::span<const float> logits, TokenId id) {
  const float logit = logits[static_cast<std::size_t>(id)];
  if (std::isfinite(logit)) return true;
  return logit == -std::numeric_limits<float>::infinity() && best_order(logits) != kNotFinite;
}

bool is_likeliest(std::span<const float> logits, TokenId id) {
  const auto at = static_cast<std::size_t>(id);
  if (order_of(logits[at]) != best_order(logits) || !std::isfinite(logits[at])) return false;
  const auto before = logits.first(at);
  return std::find(before.begin(), before.end(), logits[at]) == before.end();
}

double log_probability(std::span<const float> logits, TokenId id) {
  const float logit = logits[static_cast<std::size_t>(id)];
  if (!std::isfinite(logit)) return -std::numeric_limits<double>::infinity();
  return logit - log_normalizer(logits);
}

std::vector<TokenLogprob> token_logprobs(std::span<const float> logits, std::span<const TokenId> ids) {
  const double normalizer = log_normalizer(logits);
  std::vector<TokenLogprob> all;
  for (const TokenId id : ids) {
    const float logit = logits[static_cast<std::size_t>(id)];
    all.push_back({id, std::isfinite(logit) ? logit - normalizer : -std::numeric_limits<double>::infinity()});
  }
  return all;
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
  for (TokenLogprob& entry : best) entry.logprob -= normalizer;
  return best;
}

}  // namespace continuo
