#include "sampling/stages.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sampling/exact_math.h"

namespace continuo {

void History::add_prompt(TokenId token) {
  const auto at = static_cast<std::size_t>(token);
  if (!seen_[at]) tokens_.push_back(token);
  seen_[at] = true;
}

void History::add(TokenId token) {
  add_prompt(token);
  ++counts_[static_cast<std::size_t>(token)];
}

namespace {

// ---- stages over scores ----

void add_bias(Chain& chain) {
  for (const LogitBias& entry : chain.options.logit_bias) {
    chain.scores[static_cast<std::size_t>(entry.token)] += entry.bias;
  }
}

void penalize_repetition(Chain& chain) {
  const float penalty = chain.options.repeat_penalty;
  for (const TokenId token : chain.history.tokens()) {
    float& score = chain.scores[static_cast<std::size_t>(token)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

void penalize_presence_and_frequency(Chain& chain) {
  for (const TokenId token : chain.history.tokens()) {
    const std::uint32_t count = chain.history.count(token);
    if (count == 0) continue;
    chain.scores[static_cast<std::size_t>(token)] -=
        chain.options.presence_penalty + chain.options.frequency_penalty * static_cast<float>(count);
  }
}

// ---- from scores to candidates ----

// Index of the largest finite score, the lowest among equals; scores.size() if none is finite.
std::size_t best_score(const std::vector<float>& scores) {
  std::size_t best = scores.size();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isfinite(scores[i]) && (best == scores.size() || scores[i] > scores[best])) best = i;
  }
  return best;
}

// Weights are exp((score - best) / temperature). At temperature 0 the best alone is a candidate.
void apply_temperature(Chain& chain) {
  const std::vector<float>& scores = chain.scores;
  chain.candidates.clear();
  const std::size_t best = best_score(scores);
  if (best == scores.size()) return;
  if (chain.options.temperature == 0) {
    chain.candidates.push_back({static_cast<TokenId>(best), scores[best], 1.0});
    return;
  }
  const double largest = scores[best];
  const double temperature = chain.options.temperature;
  std::array<double, 256> exponents;
  for (std::size_t start = 0; start < scores.size(); start += exponents.size()) {
    const std::size_t n = std::min(exponents.size(), scores.size() - start);
    for (std::size_t i = 0; i < n; ++i) {
      const float score = scores[start + i];
      exponents[i] = std::isfinite(score) ? (score - largest) / temperature : 0;
    }
    exact_exp_all(std::span(exponents).first(n));
    for (std::size_t i = 0; i < n; ++i) {
      const float score = scores[start + i];
      if (std::isfinite(score))
        chain.candidates.push_back({static_cast<TokenId>(start + i), score, exponents[i]});
    }
  }
}

// ---- stages over candidates ----

constexpr auto better = [](const Rank& a, const Rank& b) {
  return a.merit != b.merit ? a.merit > b.merit : a.index < b.index;
};

// Fills chain.ranks with the `n` best candidates, unordered, in time linear in the number of candidates: of
// every 2n that pass the bar the better half stays, and the last of it becomes the bar.
template <class Merit>
void select_best(Chain& chain, std::size_t n, Merit merit) {
  std::vector<Rank>& ranks = chain.ranks;
  ranks.clear();
  bool full = false;
  Rank bar{};
  const auto prune = [&] {
    std::nth_element(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(n - 1), ranks.end(), better);
    ranks.resize(n);
    bar = ranks[n - 1];
    full = true;
  };
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    const Rank rank{merit(chain.candidates[i]), static_cast<std::uint32_t>(i)};
    if (full && !better(rank, bar)) continue;
    ranks.push_back(rank);
    if (ranks.size() == 2 * n) prune();
  }
  if (ranks.size() > n) prune();
}

// Keeps the candidates that are not worse than `last`, in their order.
template <class Merit>
void keep_down_to(Chain& chain, Rank last, Merit merit) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    const Candidate candidate = chain.candidates[i];
    if (better(last, Rank{merit(candidate), static_cast<std::uint32_t>(i)})) continue;
    chain.candidates[kept++] = candidate;
  }
  chain.candidates.resize(kept);
}

double total_weight(const Chain& chain) {
  double total = 0;
  for (const Candidate& candidate : chain.candidates)
    total += candidate.weight;
  return total;
}

// Keeps the shortest run of the best candidates that carries at least `mass` of the probability.
// The run is usually short, so ever larger heads of the ranking are sorted until one suffices.
template <class Merit>
void keep_mass(Chain& chain, double mass, Merit merit) {
  const double wanted = mass * total_weight(chain);
  for (std::size_t head = 128;; head *= 4) {
    select_best(chain, std::min(head, chain.candidates.size()), merit);
    std::sort(chain.ranks.begin(), chain.ranks.end(), better);
    double carried = 0;
    for (const Rank& rank : chain.ranks) {
      carried += chain.candidates[rank.index].weight;
      if (carried >= wanted) return keep_down_to(chain, rank, merit);
    }
    if (head >= chain.candidates.size()) return;
  }
}

double score_of(const Candidate& candidate) { return candidate.score; }

void keep_top_k(Chain& chain) {
  const auto k = static_cast<std::size_t>(chain.options.top_k);
  if (k >= chain.candidates.size()) return;
  select_best(chain, k, score_of);
  const Rank last = *std::max_element(chain.ranks.begin(), chain.ranks.end(), better);
  keep_down_to(chain, last, score_of);
}

void keep_top_p(Chain& chain) { keep_mass(chain, chain.options.top_p, score_of); }

void keep_min_p(Chain& chain) {
  const double least = chain.options.min_p;  // the best weight is 1
  std::erase_if(chain.candidates, [&](const Candidate& candidate) { return candidate.weight < least; });
}

// Best are those whose surprisal, -ln p, is nearest to the entropy.
void keep_typical(Chain& chain) {
  const double total = total_weight(chain);
  const double log_total = exact_log(total);
  const auto surprisal = [&](const Candidate& candidate) { return log_total - exact_log(candidate.weight); };
  double entropy = 0;
  for (const Candidate& candidate : chain.candidates) {
    if (candidate.weight > 0) entropy += candidate.weight / total * surprisal(candidate);
  }
  keep_mass(chain, chain.options.typical_p,
            [&](const Candidate& candidate) { return -std::fabs(surprisal(candidate) - entropy); });
}

bool always(const SamplingOptions&) { return true; }

constexpr Stage kStages[] = {
    {"logit bias", [](const SamplingOptions& o) { return !o.logit_bias.empty(); }, add_bias},
    {"repetition penalty", [](const SamplingOptions& o) { return o.repeat_penalty != 1; },
     penalize_repetition},
    {"presence and frequency penalty",
     [](const SamplingOptions& o) { return o.presence_penalty != 0 || o.frequency_penalty != 0; },
     penalize_presence_and_frequency},
    {"temperature", always, apply_temperature},
    {"top-k", [](const SamplingOptions& o) { return o.top_k > 0; }, keep_top_k},
    {"top-p", [](const SamplingOptions& o) { return o.top_p < 1; }, keep_top_p},
    {"min-p", [](const SamplingOptions& o) { return o.min_p > 0; }, keep_min_p},
    {"locally typical", [](const SamplingOptions& o) { return o.typical_p < 1; }, keep_typical},
};

}  // namespace

std::span<const Stage> stages() { return kStages; }

}  // namespace continuo
