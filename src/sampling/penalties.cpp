// Stages over scores.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sampling/exact_math.h"
#include "sampling/stage_functions.h"

namespace continuo {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr double kLargest = std::numeric_limits<float>::max();

// What is beyond float's range is the end of that range, so that a finite score stays one and its token possible.
// Within the range this rounds as float's own arithmetic does.
float bounded(double value) { return static_cast<float>(std::clamp(value, -kLargest, kLargest)); }

void add(float& score, float change) {
  if (std::isfinite(score)) score = bounded(static_cast<double>(score) + change);
}

}  // namespace

void keep_allowed(Chain& chain) {
  const std::span<float> scores = chain.own_scores();
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if ((chain.allowed[id / 64] >> (id % 64) & 1) == 0) scores[id] = kNever;
  }
}

void add_bias(Chain& chain) {
  const std::span<float> scores = chain.own_scores();
  for (const LogitBias& entry : chain.options.logit_bias)
    add(scores[static_cast<std::size_t>(entry.token)], entry.bias);
}

void penalize_repetition(Chain& chain) {
  const float penalty = chain.options.repeat_penalty;
  const std::span<float> scores = chain.own_scores();
  for (const History::Seen& seen : chain.history.seen()) {
    if (seen.total == 0) continue;
    float& score = scores[static_cast<std::size_t>(seen.token)];
    if (!std::isfinite(score)) continue;
    const double exact = score;
    score = bounded(score < 0 ? exact * penalty : exact / penalty);
  }
}

void penalize_presence_and_frequency(Chain& chain) {
  const std::span<float> scores = chain.own_scores();
  for (const auto& [token, count, total] : chain.history.seen()) {
    if (count == 0) continue;
    const float by_count = bounded(static_cast<double>(chain.options.frequency_penalty) * static_cast<float>(count));
    add(scores[static_cast<std::size_t>(token)],
        -bounded(static_cast<double>(chain.options.presence_penalty) + by_count));
  }
}

// The end of the text waits for as many tokens.
void hold_back_end(Chain& chain) {
  if (chain.history.generated() >= static_cast<std::size_t>(chain.options.min_tokens)) return;
  const std::span<float> scores = chain.own_scores();
  for (const std::vector<TokenId>* ends : {&chain.options.end_tokens, &chain.options.stop_tokens}) {
    for (const TokenId id : *ends) scores[static_cast<std::size_t>(id)] = kNever;
  }
}

void hasten_end(Chain& chain) {
  const std::size_t start = static_cast<std::size_t>(chain.options.length_penalty_start);
  if (chain.history.generated() <= start) return;
  const auto over = static_cast<double>(chain.history.generated() - start);
  const double more = exact_exp(over * exact_log(chain.options.length_penalty_factor)) - 1;
  const std::span<float> scores = chain.own_scores();
  for (const TokenId id : chain.options.end_tokens) {
    float& score = scores[static_cast<std::size_t>(id)];
    if (!std::isfinite(score)) continue;
    score = bounded(score + std::fabs(double{score}) * more);
  }
}

// Of every earlier place where the last n - 1 tokens stand, the token behind them.
void forbid_repeated_ngrams(Chain& chain) {
  const std::span<const TokenId> text = chain.history.text();
  const auto before = static_cast<std::size_t>(chain.options.no_repeat_ngram - 1);
  if (text.size() < before + 1) return;
  const std::span<const TokenId> last = text.last(before);
  const std::span<float> scores = chain.own_scores();
  for (std::size_t end = before; end < text.size(); ++end) {
    const auto earlier = text.subspan(end - before, before);
    if (std::equal(earlier.begin(), earlier.end(), last.begin())) scores[static_cast<std::size_t>(text[end])] = kNever;
  }
}

void keep_within_sigma(Chain& chain) {
  double sum = 0, largest = kNever, squares = 0;
  std::size_t n = 0;
  for (const float score : chain.scores) {
    if (!std::isfinite(score)) continue;
    sum += score;
    largest = std::max<double>(largest, score);
    ++n;
  }
  if (n < 2) return;
  const double mean = sum / static_cast<double>(n);
  for (const float score : chain.scores) {
    if (std::isfinite(score)) squares += (score - mean) * (score - mean);
  }
  const double least = largest - chain.options.top_n_sigma * std::sqrt(squares / static_cast<double>(n));
  for (float& score : chain.own_scores()) {
    if (score < least) score = kNever;
  }
}

// ---- DRY ----

namespace {

using Breakers = std::vector<SequenceBreaker>;

std::span<const SequenceBreaker> breakers_from(const Breakers* breakers, TokenId head) {
  if (!breakers) return {};
  const auto less = [](const SequenceBreaker& a, const SequenceBreaker& b) { return a.head < b.head; };
  const auto [first, last] = std::equal_range(breakers->begin(), breakers->end(), SequenceBreaker{head, {}}, less);
  return {first, last};
}

// Tokens behind the last breaker of the text: no repetition is longer.
std::size_t longest_repetition(std::span<const TokenId> text, const Breakers* breakers) {
  for (std::size_t behind = 0; behind < text.size(); ++behind) {
    const auto rest = text.last(behind);
    std::size_t longest = 0;
    bool found = false;
    for (const SequenceBreaker& breaker : breakers_from(breakers, text[text.size() - 1 - behind])) {
      const auto& tail = breaker.tail;
      if (tail.size() > behind || !std::equal(tail.begin(), tail.end(), rest.begin())) continue;
      longest = std::max(longest, tail.size());
      found = true;
    }
    if (found) return behind - longest;
  }
  return text.size();
}

// By distance k from the end: how many tokens before it are those before the end, at most `limit`. Linear in
// the text (Gusfield 1997, "Algorithms on strings, trees and sequences", the Z values of the reversed text).
std::vector<std::size_t> repetitions(std::span<const TokenId> text, std::size_t limit) {
  const std::size_t n = text.size();
  const auto back = [&](std::size_t i) { return text[n - 1 - i]; };
  std::vector<std::size_t> lengths(n, 0);
  std::size_t left = 0, right = 0;  // the match that reaches farthest back is [left, right)
  for (std::size_t k = 1; k < n; ++k) {
    std::size_t length = k < right ? std::min(right - k, lengths[k - left]) : 0;
    while (k + length < n && back(length) == back(k + length)) ++length;
    if (k + length > right) left = k, right = k + length;
    lengths[k] = length;
  }
  for (std::size_t& length : lengths) length = std::min(length, limit);
  return lengths;
}

}  // namespace

// Weidmann 2024, "DRY: a modern repetition penalty", with the breakers of llama.cpp.
void dont_repeat_yourself(Chain& chain) {
  const SamplingOptions& options = chain.options;
  std::span<const TokenId> text = chain.history.text();
  if (options.dry_penalty_last_n >= 0)
    text = text.last(std::min(text.size(), static_cast<std::size_t>(options.dry_penalty_last_n)));
  const auto allowed = static_cast<std::size_t>(options.dry_allowed_length);
  const Breakers* const breakers = options.dry_breakers.get();
  if (text.size() <= allowed) return;
  const std::size_t limit = longest_repetition(text, breakers);
  if (limit < allowed) return;
  const std::vector<std::size_t> lengths = repetitions(text, limit);
  struct Repeated {
    TokenId token;
    std::size_t length;
  };
  std::vector<Repeated> repeated;
  for (std::size_t k = 1; k < text.size(); ++k) {
    if (lengths[k] >= allowed) repeated.push_back({text[text.size() - k], lengths[k]});
  }
  std::sort(repeated.begin(), repeated.end(), [](const Repeated& a, const Repeated& b) {
    return a.token != b.token ? a.token < b.token : a.length > b.length;  // the longest counts
  });
  const std::span<float> scores = chain.own_scores();
  constexpr double kMostExponent = 88.7228391;  // ln of the largest float
  const double log_base = exact_log(options.dry_base);
  TokenId before = -1;
  for (const auto& [token, length] : repeated) {
    if (std::exchange(before, token) == token) continue;
    const auto heads = breakers_from(breakers, token);
    if (std::any_of(heads.begin(), heads.end(), [](const SequenceBreaker& b) { return b.tail.empty(); })) continue;
    const double exponent = std::min(static_cast<double>(length - allowed) * log_base, kMostExponent);
    float& score = scores[static_cast<std::size_t>(token)];
    constexpr double kLeast = std::numeric_limits<float>::lowest();
    if (std::isfinite(score))
      score = static_cast<float>(std::max(score - options.dry_multiplier * exact_exp(exponent), kLeast));
  }
}

}  // namespace continuo
