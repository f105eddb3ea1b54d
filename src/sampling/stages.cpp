#include "sampling/stages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "sampling/candidates.h"
#include "sampling/exact_math.h"
#include "sampling/order.h"
#include "sampling/stage_functions.h"

namespace continuo {

namespace {

// ---- from scores to candidates ----

// Fills chain.bests; the best of all.
std::int32_t find_bests(Chain& chain) {
  chain.bests.resize((chain.scores.size() + kScoreGroup - 1) / kScoreGroup);
  return best_orders(chain.scores, chain.bests.data());
}

// Calls f(id, score) for those of the finite scores that come before `bar` in their order, which is then what
// f returned.
template <class F>
void for_scores_above(const Chain& chain, std::int32_t bar, F f) {
  for (std::size_t group = 0; group < chain.bests.size(); ++group) {
    if (chain.bests[group] <= bar) continue;
    const std::size_t first = group * kScoreGroup, last = std::min(first + kScoreGroup, chain.scores.size());
    for (std::size_t id = first; id < last; ++id) {
      if (order_of(chain.scores[id]) > bar) bar = f(id, chain.scores[id]);
    }
  }
}

// The k best scores, or as many as there are, as candidates in order of their ids.
void take_best(Chain& chain, std::size_t k) {
  Selection selection(chain.ranks, k);
  for_scores_above(chain, kNotFinite, [&](std::size_t id, float score) {
    const Rank rank{score, static_cast<std::uint32_t>(id)};
    if (selection.passes(rank)) selection.add(rank);
    return selection.full() ? order_of(static_cast<float>(selection.bar().merit)) : kNotFinite;
  });
  selection.finish();
  std::sort(chain.ranks.begin(), chain.ranks.end(), [](const Rank& a, const Rank& b) { return a.index < b.index; });
  for (const Rank& rank : chain.ranks)
    chain.candidates.push_back({static_cast<TokenId>(rank.index), static_cast<float>(rank.merit), 0});
}

// Scores of this order and below surely have less than min-p of the best one's weight.
std::int32_t min_p_bar(const SamplingOptions& options, Exponent exponent) {
  if (!(options.min_p > 0)) return kNotFinite;
  constexpr double kMore = 1e-6;  // than what rounds on the way
  const double least = exponent.largest + (exact_log(options.min_p) - kMore) * exponent.temperature;
  const float below = std::nextafter(static_cast<float>(least), -std::numeric_limits<float>::infinity());
  return std::isfinite(below) ? order_of(below) : kNotFinite;
}

// By how much sums of n weights, `total` together, in one order and in another may differ: each is within n
// roundings of the exact one (Higham 2002, 4.2).
double summation_error(std::size_t n, double total) {
  return 4 * static_cast<double>(n) * std::numeric_limits<double>::epsilon() * total;
}

// How weight is spread over exponents: sums in buckets, the largest exponents first.
class Spread {
 public:
  Spread() { sums_.fill({}); }
  void add(std::span<const std::int32_t> buckets, std::span<const double> weights) {
    // Neighbours in different sums: a sum in memory waits for the last addition to it.
    const auto to = [&](std::size_t i, std::size_t which) -> double& {
      return sums_[static_cast<std::size_t>(buckets[i])][which];
    };
    double even = 0, odd = 0;
    std::size_t i = 0;
    for (; i + 2 <= weights.size(); i += 2) {
      even += weights[i];
      odd += weights[i + 1];
      to(i, 0) += weights[i];
      to(i + 1, 1) += weights[i + 1];
    }
    if (i < weights.size()) {
      even += weights[i];
      to(i, 0) += weights[i];
    }
    total_ += even + odd;
  }
  double total() const { return total_; }
  // The bucket at which the sum over it and all before surely reaches `wanted`, if n weights were added; and
  // the sum of those before.
  std::size_t reaches(double wanted, std::size_t n, double& before) const {
    const double surely = wanted + summation_error(n, total());
    std::size_t at = 0;
    for (before = 0; at + 1 < sums_.size() && before + sum(sums_[at]) < surely; ++at) before += sum(sums_[at]);
    return at;
  }

 private:
  using Sums = std::array<double, 2>;
  static double sum(const Sums& sums) { return sums[0] + sums[1]; }

  double total_ = 0;
  std::array<Sums, kExponentBuckets> sums_;
};

// The least order of a finite score whose bucket is at most `last`; that of `best` is 0.
std::int32_t least_order(Exponent exponent, std::size_t last, std::int32_t best) {
  std::int64_t worst = order_of(std::numeric_limits<float>::lowest()), found = best;
  while (worst < found) {
    const std::int64_t middle = worst + (found - worst) / 2;
    if (static_cast<std::size_t>(exponent_bucket(exponent(score_of(static_cast<std::int32_t>(middle))))) <= last) {
      found = middle;
    } else {
      worst = middle + 1;
    }
  }
  return static_cast<std::int32_t>(found);
}

constexpr std::size_t kAtOnce = 256;  // exponentials

// Those scores as candidates that may be among the best that carry top-p of the probability. chain.likely says of what
// sums; chain.ranks has those among which the best end.
void take_likely(Chain& chain, Exponent exponent) {
  Spread spread;
  const std::span<const float> scores = chain.scores;
  chain.weights.resize(scores.size());
  std::array<std::int32_t, kAtOnce> buckets;
  for (std::size_t start = 0; start < scores.size(); start += kAtOnce) {
    const auto some = scores.subspan(start, std::min(kAtOnce, scores.size() - start));
    double* const weights = &chain.weights[start];
    exact_exp_scores(some, exponent.largest, exponent.temperature, buckets.data(), weights);
    spread.add(std::span(buckets).first(some.size()), {weights, some.size()});
  }
  chain.likely = {.total = spread.total(), .doubt = summation_error(scores.size(), spread.total())};
  const std::size_t last = spread.reaches(chain.options.top_p * spread.total(), scores.size(), chain.likely.before);
  const std::int32_t best = *std::max_element(chain.bests.begin(), chain.bests.end());
  const std::int32_t bar = least_order(exponent, last, best);
  const float least = score_of(bar), largest = std::numeric_limits<float>::max();
  const float above =
      last == 0 ? std::numeric_limits<float>::infinity() : score_of(least_order(exponent, last - 1, best));
  chain.ranks.clear();
  for (std::size_t group = 0; group < chain.bests.size(); ++group) {
    if (chain.bests[group] < bar) continue;
    const std::size_t first = group * kScoreGroup, n = std::min(kScoreGroup, scores.size() - first);
    // Which scores pass may be as good as random, so no branch depends on it.
    std::array<std::uint32_t, kScoreGroup> passing;
    std::size_t passed = 0;
    for (std::size_t id = first; id < first + n; ++id) {
      passing[passed] = static_cast<std::uint32_t>(id);
      passed += static_cast<std::size_t>(scores[id] >= least) & static_cast<std::size_t>(scores[id] <= largest);
    }
    for (const std::uint32_t id : std::span(passing).first(passed)) {
      if (scores[id] < above) chain.ranks.push_back({scores[id], static_cast<std::uint32_t>(chain.candidates.size())});
      chain.candidates.push_back({static_cast<TokenId>(id), scores[id], chain.weights[id]});
    }
  }
}

// Weights of all candidates, of which there are more than one.
void weigh(Chain& chain) {
  const Exponent exponent = exponent_of(chain);
  std::array<double, kAtOnce> weights;
  for (std::size_t start = 0; start < chain.candidates.size(); start += kAtOnce) {
    const auto some = std::span(chain.candidates).subspan(start, std::min(kAtOnce, chain.candidates.size() - start));
    for (std::size_t i = 0; i < some.size(); ++i) weights[i] = exponent(some[i].score);
    exact_exp_all(std::span(weights).first(some.size()));
    for (std::size_t i = 0; i < some.size(); ++i) some[i].weight = weights[i];
  }
}

void take_all(Chain& chain, std::int32_t bar) {
  if (bar == kNotFinite) chain.candidates.reserve(chain.scores.size());
  for_scores_above(chain, bar, [&](std::size_t id, float score) {
    chain.candidates.push_back({static_cast<TokenId>(id), score, 0});
    return bar;
  });
}

bool is_next(const Chain& chain, void (*stage)(Chain&)) {
  return chain.next && !chain.show_all && chain.next->apply == stage;
}

void keep_top_k(Chain& chain);
void keep_top_p(Chain& chain);
void keep_min_p(Chain& chain);

// Candidates of scores, as many as the next stage may keep.
void take_candidates(Chain& chain, double temperature) {
  chain.candidates.clear();
  chain.likely = {};
  chain.temperature = 1;
  const std::int32_t best = find_bests(chain);
  if (best == kNotFinite) return;
  chain.largest = score_of(best);
  if (chain.options.temperature == 0) {
    take_best(chain, 1);
    chain.candidates.front().weight = 1;
    return;
  }
  chain.temperature = temperature;
  const Exponent exponent = exponent_of(chain);
  if (is_next(chain, keep_top_k)) {
    take_best(chain, static_cast<std::size_t>(chain.options.top_k));
  } else if (is_next(chain, keep_top_p)) {
    return take_likely(chain, exponent);
  } else {
    take_all(chain, is_next(chain, keep_min_p) ? min_p_bar(chain.options, exponent) : kNotFinite);
  }
  if (chain.candidates.size() == 1) return void(chain.candidates.front().weight = 1);
  weigh(chain);
}

// Weights are exp((score - best) / temperature). At temperature 0 the best alone is a candidate.
void apply_temperature(Chain& chain) {
  if (chain.temperature == 0) return take_candidates(chain, chain.options.temperature);
  if (chain.candidates.size() < 2) return;
  chain.temperature = chain.options.temperature;
  weigh(chain);
}

// A temperature between T - range and T + range: the nearer the entropy is to that of equal chances, the higher.
void apply_dynamic_temperature(Chain& chain) {
  // the entropy is that of all of them, not of those alone that the next stage may keep
  if (chain.temperature == 0) {
    const Stage* const next = std::exchange(chain.next, nullptr);
    make_candidates(chain);
    chain.next = next;
  }
  const std::size_t n = chain.candidates.size();
  if (n < 2) return;
  const SamplingOptions& options = chain.options;
  const double total = total_weight(chain), log_total = exact_log(total);
  const Exponent exponent = exponent_of(chain);
  double entropy = 0;
  for (const Candidate& candidate : chain.candidates) {
    if (candidate.weight > 0) entropy += candidate.weight / total * (log_total - exponent(candidate.score));
  }
  const double share = std::clamp(entropy / exact_log(static_cast<double>(n)), 0.0, 1.0);
  const double power = options.dynatemp_exponent == 0 ? 1 : exact_exp(options.dynatemp_exponent * exact_log(share));
  const double least = std::max(0.0, double{options.temperature} - options.dynatemp_range);
  const double most = double{options.temperature} + options.dynatemp_range;
  chain.temperature = std::max(least + (most - least) * power, 1e-30);  // at 0 the best alone would be left
  weigh(chain);
}

// The first of the ranks, the best ones first, at which the weight surely reaches `wanted`, if those before
// them carry `before` and sums may be off by `doubt`; null where that does not tell.
const Rank* reached(const Chain& chain, std::span<const Rank> ranks, double before, double wanted, double doubt) {
  double carried = before;
  for (const Rank& rank : ranks) {
    if (carried >= wanted - doubt) return nullptr;
    carried += chain.candidates[rank.index].weight;
    if (carried >= wanted + doubt) return &rank;
  }
  return nullptr;
}

// Ranks of which those before carry a weight.
struct Stretch {
  std::span<Rank> ranks;
  double before;
};

// A few of chain.ranks, the best ones first, among which the weight reaches `wanted`, about: halves are
// summed in any order.
Stretch narrow_down(Chain& chain, double wanted) {
  constexpr std::size_t kFew = 128;
  Stretch found{chain.ranks, 0};
  while (found.ranks.size() > kFew) {
    const std::span<Rank> better_half = found.ranks.first(found.ranks.size() / 2);
    std::nth_element(found.ranks.begin(), better_half.end(), found.ranks.end(), better);
    double weight = 0;
    for (const Rank& rank : better_half) weight += chain.candidates[rank.index].weight;
    found = found.before + weight < wanted ? Stretch{found.ranks.subspan(better_half.size()), found.before + weight}
                                           : Stretch{better_half, found.before};
  }
  std::sort(found.ranks.begin(), found.ranks.end(), better);
  return found;
}

// Keeps the shortest run of the best candidates that carries at least `wanted` of the weight `total`, summed
// in their order; where other sums leave that in doubt, all are ranked.
template <class Merit>
void keep_mass(Chain& chain, double wanted, double total, Merit merit) {
  std::vector<Rank>& ranks = chain.ranks;
  ranks.clear();
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) ranks.push_back({merit(i), static_cast<std::uint32_t>(i)});
  const Stretch near = narrow_down(chain, wanted);
  const bool in_order = near.before == 0;
  const Rank* last =
      reached(chain, near.ranks, near.before, wanted, in_order ? 0 : summation_error(ranks.size(), total));
  if (!last) {
    std::sort(ranks.begin(), ranks.end(), better);
    last = reached(chain, ranks, 0, wanted, 0);
  }
  if (last) keep_down_to(chain, *last, merit);
}

void keep_top_k(Chain& chain) {
  const auto k = static_cast<std::size_t>(chain.options.top_k);
  if (k >= chain.candidates.size()) return;
  select_best(chain, k, by_score(chain));
  const Rank last = *std::max_element(chain.ranks.begin(), chain.ranks.end(), better);
  keep_down_to(chain, last, by_score(chain));
}

// keep_mass by score. Of likely candidates the run ends among chain.ranks, which alone are sorted. The sums that say so
// are not those in the order of the ranking, which decide: where rounding might matter, those are taken.
void keep_top_p(Chain& chain) {
  const double p = chain.options.top_p;
  const auto& [total, before, doubt] = chain.likely;
  if (total == 0) {
    const double all = total_weight(chain);
    return keep_mass(chain, p * all, all, by_score(chain));
  }
  const double wanted = p * total;
  std::sort(chain.ranks.begin(), chain.ranks.end(), better);
  if (const Rank* last = reached(chain, chain.ranks, before, wanted, doubt)) {
    return keep_down_to(chain, *last, by_score(chain));
  }
  const double all = std::accumulate(chain.weights.begin(), chain.weights.end(), 0.0);
  keep_mass(chain, p * all, all, by_score(chain));
}

void keep_min_p(Chain& chain) {
  double best = 0;  // 1, unless a stage before took the best away
  for (const Candidate& candidate : chain.candidates) best = std::max(best, candidate.weight);
  const double least = chain.options.min_p * best;
  std::erase_if(chain.candidates, [&](const Candidate& candidate) { return candidate.weight < least; });
}

// Best are those whose surprisal, -ln p, is nearest to the entropy; p = e^exponent / total.
void keep_typical(Chain& chain) {
  if (chain.candidates.size() < 2) return;  // as at temperature 0, where there are no exponents
  const double total = total_weight(chain);
  const double log_total = exact_log(total);
  std::vector<double>& merits = chain.weights;
  merits.clear();
  const Exponent exponent = exponent_of(chain);
  double entropy = 0;
  for (const Candidate& candidate : chain.candidates) {
    const double surprisal = log_total - exponent(candidate.score);
    merits.push_back(surprisal);
    if (candidate.weight > 0) entropy += candidate.weight / total * surprisal;
  }
  for (double& merit : merits) merit = -std::fabs(merit - entropy);
  keep_mass(chain, chain.options.typical_p * total, total, [&](std::size_t i) { return merits[i]; });
}

using Options = const SamplingOptions&;
using enum StageKind;

// Mirostat and the filters have the same aim: as in llama.cpp one excludes the others.
bool filters(Options o) { return o.mirostat == 0; }

constexpr Stage kStages[] = {
    {"logit bias", "", first, [](Options o) { return !o.logit_bias.empty(); }, add_bias},
    {"minimum length", "", first, [](Options o) { return o.min_tokens > 0; }, hold_back_end},
    {"no repeated n-gram", "", first, [](Options o) { return o.no_repeat_ngram > 0; }, forbid_repeated_ngrams},
    {"length penalty", "", first, [](Options o) { return o.length_penalty_factor != 1; }, hasten_end},
    {"repetition penalty", "penalties", scores, [](Options o) { return o.repeat_penalty != 1; }, penalize_repetition},
    {"presence and frequency penalty", "penalties", scores,
     [](Options o) { return o.presence_penalty != 0 || o.frequency_penalty != 0; }, penalize_presence_and_frequency},
    {"DRY", "dry", scores, [](Options o) { return o.dry_multiplier != 0; }, dont_repeat_yourself},
    {"top-n-sigma", "top_n_sigma", scores, [](Options o) { return o.top_n_sigma > 0; }, keep_within_sigma},
    {"temperature", "temperature", temperature, [](Options o) { return o.dynatemp_range == 0; }, apply_temperature},
    {"dynamic temperature", "temperature", temperature, [](Options o) { return o.dynatemp_range != 0; },
     apply_dynamic_temperature},
    {"top-h", "top_h", candidates, [](Options o) { return o.top_h > 0 && filters(o); }, keep_top_h},
    {"top-k", "top_k", candidates, [](Options o) { return o.top_k > 0 && filters(o); }, keep_top_k},
    {"top-p", "top_p", candidates, [](Options o) { return o.top_p < 1 && filters(o); }, keep_top_p},
    {"min-p", "min_p", candidates, [](Options o) { return o.min_p > 0 && filters(o); }, keep_min_p},
    {"locally typical", "typ_p", candidates, [](Options o) { return o.typical_p < 1 && filters(o); }, keep_typical},
    {"epsilon cutoff", "epsilon_cutoff", candidates, [](Options o) { return o.epsilon_cutoff > 0 && filters(o); },
     cut_epsilon},
    {"eta cutoff", "eta_cutoff", candidates, [](Options o) { return o.eta_cutoff > 0 && filters(o); }, cut_eta},
    {"exclude top choices", "xtc", candidates,
     [](Options o) { return o.xtc_probability > 0 && o.xtc_threshold <= 0.5f && filters(o); }, exclude_top_choices},
    {"Mirostat 1", "", last, [](Options o) { return o.mirostat == 1; }, keep_mirostat_1},
    {"Mirostat 2", "", last, [](Options o) { return o.mirostat == 2; }, keep_mirostat_2},
    {"adaptive-p", "", last, [](Options o) { return o.adaptive_target >= 0; }, adapt_to_target},
};

}  // namespace

std::span<const Stage> stages() { return kStages; }

void make_candidates(Chain& chain) { take_candidates(chain, 1); }

}  // namespace continuo
