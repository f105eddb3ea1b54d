// Stages over candidates. Those of Hugging Face's logits processors (top-h, epsilon, eta) and of llama.cpp
// (XTC, Mirostat, adaptive-p), on weights instead of probabilities.
#include <cmath>
#include <numeric>

#include "sampling/candidates.h"
#include "sampling/exact_math.h"
#include "sampling/random.h"
#include "sampling/stage_functions.h"

namespace continuo {

namespace {

constexpr double kLn2 = 0.69314718055994530942;

// -ln p of candidates; `total` is their weight.
auto surprisal_of(const Chain& chain, double total) {
  return [log_total = exact_log(total), exponent = exponent_of(chain)](const Candidate& candidate) {
    return log_total - exponent(candidate.score);
  };
}

// -sum p ln p of a distribution over candidates.
template <class Weighted>
double entropy_of(const Weighted& candidates, double total, double log_total, Exponent exponent) {
  double entropy = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.weight > 0) entropy += candidate.weight / total * (log_total - exponent(candidate.score));
  }
  return entropy;
}

double entropy_of(const Chain& chain, double total) {
  return entropy_of(chain.candidates, total, exact_log(total), exponent_of(chain));
}

// Fills chain.ranks with the n best, the best first.
void rank_best(Chain& chain, std::size_t n) {
  select_best(chain, std::min(n, chain.candidates.size()), by_score(chain));
  std::sort(chain.ranks.begin(), chain.ranks.end(), better);
}

// Drops those with less than a share of the weight; of the best one and its equals that is never said.
void cut_below(Chain& chain, double share, double total) {
  double best = 0;
  for (const Candidate& candidate : chain.candidates) best = std::max(best, candidate.weight);
  const double least = std::min(best, share * total);
  std::erase_if(chain.candidates, [&](const Candidate& candidate) { return candidate.weight < least; });
}

}  // namespace

// The likeliest of the 100 likeliest for which the entropy's terms add up to at most its share; the best in
// any case.
void keep_top_h(Chain& chain) {
  constexpr std::size_t kMost = 100;
  if (chain.candidates.size() < 2) return;
  rank_best(chain, kMost);
  const Exponent exponent = exponent_of(chain);
  std::vector<Candidate> best;
  double total = 0;
  for (const Rank& rank : chain.ranks) {
    best.push_back(chain.candidates[rank.index]);
    total += best.back().weight;
  }
  const double log_total = exact_log(total);
  const double most = chain.options.top_h * entropy_of(best, total, log_total, exponent);
  std::size_t kept = 0;
  for (double sum = 0; kept < best.size(); ++kept) {
    const double p = best[kept].weight / total;
    if (p > 0) sum += p * (log_total - exponent(best[kept].score));
    if (kept > 0 && sum > most) break;
  }
  keep_down_to(chain, chain.ranks[kept - 1], by_score(chain));
}

void cut_epsilon(Chain& chain) { cut_below(chain, chain.options.epsilon_cutoff, total_weight(chain)); }

void cut_eta(Chain& chain) {
  if (chain.candidates.size() < 2) return;
  const double total = total_weight(chain), eta = chain.options.eta_cutoff;
  cut_below(chain, std::min(eta, std::sqrt(eta) * exact_exp(-entropy_of(chain, total))), total);
}

// Weidmann 2024, "exclude top choices". The number that says whether comes from a stream of its own.
void exclude_top_choices(Chain& chain) {
  const SamplingOptions& options = chain.options;
  if (chain.candidates.size() < 2) return;
  const Draw& draw = chain.draw;
  if (uniform(options.seed, draw.sample, draw.position, RandomStream::exclusion) >= options.xtc_probability) return;
  const double least = options.xtc_threshold * total_weight(chain);
  Rank last{};
  std::size_t choices = 0;
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    if (chain.candidates[i].weight < least) continue;
    const Rank rank{chain.candidates[i].score, static_cast<std::uint32_t>(i)};
    if (choices++ == 0 || better(last, rank)) last = rank;
  }
  if (choices < 2) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    const Rank rank{chain.candidates[i].score, static_cast<std::uint32_t>(i)};
    if (!better(rank, last)) chain.candidates[kept++] = chain.candidates[i];
  }
  chain.candidates.resize(kept);
}

// The k for which a Zipf distribution, fitted to the 100 best, has the surprise mu.
void keep_mirostat_1(Chain& chain) {
  constexpr std::size_t kFitted = 100;
  if (chain.candidates.size() < 2) return;
  rank_best(chain, kFitted);
  double products = 0, squares = 0;
  for (std::size_t i = 0; i + 1 < chain.ranks.size(); ++i) {
    const double t = exact_log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    const double b = (chain.ranks[i].merit - chain.ranks[i + 1].merit) / chain.temperature;
    products += t * b;
    squares += t * t;
  }
  const double s = products / squares, epsilon = s - 1, log_n = exact_log(static_cast<double>(chain.scores.size()));
  const double shrink = epsilon == 0 ? log_n : (1 - exact_exp(-epsilon * log_n)) / epsilon;  // its limit is ln n
  const double k = exact_exp((chain.feedback.mirostat_mu * kLn2 - exact_log(shrink)) / s);
  if (k >= static_cast<double>(chain.candidates.size())) return;
  const auto kept = k >= 1 ? static_cast<std::size_t>(k) : std::size_t{1};  // of NaN as well
  select_best(chain, kept, by_score(chain));
  keep_down_to(chain, *std::max_element(chain.ranks.begin(), chain.ranks.end(), better), by_score(chain));
}

// Those whose surprise is at most mu.
void keep_mirostat_2(Chain& chain) {
  if (chain.candidates.size() < 2) return;
  const auto surprisal = surprisal_of(chain, total_weight(chain));
  const double most = chain.feedback.mirostat_mu * kLn2;
  const auto [least, largest] =
      std::minmax_element(chain.candidates.begin(), chain.candidates.end(),
                          [](const Candidate& a, const Candidate& b) { return a.score < b.score; });
  const Candidate best = *std::find_if(chain.candidates.begin(), chain.candidates.end(),
                                       [&](const Candidate& c) { return c.score == largest->score; });
  if (surprisal(*least) <= most) return;
  std::erase_if(chain.candidates, [&](const Candidate& candidate) { return surprisal(candidate) > most; });
  if (chain.candidates.empty()) chain.candidates.push_back(best);
}

// Weights anew, by how near a probability is to the target; the probabilities stay in chain.weights.
void adapt_to_target(Chain& chain) {
  const double total = total_weight(chain), target = chain.options.adaptive_target;
  const SamplingFeedback& past = chain.feedback;
  const double aim =
      std::clamp(past.adaptive_weight == 0 ? target : 2 * target - past.adaptive_sum / past.adaptive_weight, 0.0, 1.0);
  chain.weights.clear();
  double largest = 0;
  for (Candidate& candidate : chain.candidates) {
    constexpr double kWidth = 0.3, kPeak = 5, kSharpness = 10;
    chain.weights.push_back(candidate.weight / total);
    const double distance = std::fabs((chain.weights.back() - aim) / kWidth);
    candidate.weight = kPeak - kSharpness * distance * distance / (1 + distance);
    largest = chain.weights.size() == 1 ? candidate.weight : std::max(largest, candidate.weight);
  }
  for (Candidate& candidate : chain.candidates) candidate.weight = exact_exp(candidate.weight - largest);
}

SamplingFeedback first_feedback(const SamplingOptions& options) {
  const double weight = 1 / (1 - double{options.adaptive_decay});
  return {.mirostat_mu = 2 * double{options.mirostat_tau},
          .adaptive_sum = options.adaptive_target * weight,
          .adaptive_weight = weight};
}

SamplingFeedback learn(const Chain& chain, const Candidate& chosen) {
  const SamplingOptions& options = chain.options;
  SamplingFeedback next = chain.feedback;
  if (options.mirostat != 0) {
    const double bits = -exact_log(chosen.weight / total_weight(chain)) / kLn2;
    next.mirostat_mu -= options.mirostat_eta * (bits - options.mirostat_tau);
  }
  if (options.adaptive_target >= 0) {
    const auto at = static_cast<std::size_t>(&chosen - chain.candidates.data());
    next.adaptive_sum = chain.weights[at] + options.adaptive_decay * next.adaptive_sum;
    next.adaptive_weight = 1 + options.adaptive_decay * next.adaptive_weight;
  }
  return next;
}

}  // namespace continuo
