#include <algorithm>
#include <cmath>
#include <numeric>

#include "explain/explain.h"
#include "sampling/random.h"
#include "sampling/stages.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kShown = 10;
constexpr std::size_t kDropped = 4;

double total(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.weight;
  return sum;
}

std::vector<Guess> heaviest(std::vector<Candidate> candidates, double whole, std::size_t k) {
  k = std::min(k, candidates.size());
  std::partial_sort(
      candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.weight != b.weight ? a.weight > b.weight : a.id < b.id; });
  std::vector<Guess> guesses;
  for (std::size_t i = 0; i < k; ++i)
    guesses.push_back({candidates[i].id, static_cast<float>(candidates[i].weight / whole)});
  return guesses;
}

// Those of `before` (ascending ids) that are not in `after` (ascending ids).
std::vector<Candidate> difference(std::span<const Candidate> before, std::span<const Candidate> after) {
  std::vector<Candidate> gone;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(gone),
                      [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  return gone;
}

// A stage over scores: what it changed, and the softmax of what it left.
LadderStage after_scores(std::span<const float> before, std::span<const float> after) {
  LadderStage stage;
  for (std::size_t i = 0; i < after.size(); ++i) stage.changed += before[i] != after[i] ? 1 : 0;
  stage.kept = after.size();
  stage.best = best_guesses(after, kShown);
  return stage;
}

// A stage over candidates. `whole`: the weight of all candidates after the temperature.
LadderStage after_candidates(std::span<const Candidate> before, const std::vector<Candidate>& after, double whole) {
  const auto gone = difference(before, after);
  const double left = total(after);
  LadderStage stage{.kept = after.size(), .removed = gone.size(), .mass = left / whole};
  stage.best = heaviest(after, left, kShown);
  stage.dropped = heaviest(gone, total(before), kDropped);
  return stage;
}

// The same additions in the same order as the sampler's: the first candidate whose running sum passes the
// target.
void draw(std::span<const Candidate> candidates, const SamplingOptions& options, Ladder& ladder) {
  if (candidates.empty()) return;
  if (candidates.size() == 1) {
    ladder.greedy = true;
    ladder.drawn = candidates.front().id;
    ladder.to = 1;
    return;
  }
  const double whole = total(candidates);
  ladder.number = uniform(options.seed, 0, ladder.position);
  double passed = 0;
  for (const Candidate& candidate : candidates) {
    ladder.from = passed / whole;
    passed += candidate.weight;
    ladder.to = passed / whole;
    ladder.drawn = candidate.id;
    if (passed > ladder.number * whole) return;
  }
}

}  // namespace

Ladder climb(std::span<const float> logits, std::span<const TokenId> text, std::size_t generated,
             const SamplingOptions& options, const std::optional<SamplingFeedback>& feedback) {
  History history(options.repeat_last_n);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + generated < text.size()) {
      history.add_prompt(text[i]);
    } else {
      history.add(text[i]);
    }
  }
  std::vector<float> changed;
  std::vector<Candidate> candidates;
  std::vector<Rank> ranks;
  std::vector<std::int32_t> bests;
  std::vector<double> weights;
  SamplingOptions merged_options = options;
  merged_options.logit_bias = merged(options.logit_bias);
  Chain chain{merged_options, history, logits, changed, candidates, ranks, bests, weights, true};
  chain.draw = {.sample = 0, .position = text.size()};
  chain.feedback = feedback.value_or(first_feedback(options));
  Ladder ladder{.position = text.size()};
  for (const Guess& guess : best_guesses(logits, kShown)) {
    ladder.logits_best.push_back({guess.id, logits[static_cast<std::size_t>(guess.id)]});
  }
  double whole = 0;
  for (const Stage* stage : ordered_stages(options)) {
    const bool active = stage->active(options);
    if (active && wants_candidates(*stage, chain)) {
      make_candidates(chain);
      whole = total(candidates);
    }
    const std::vector<float> scores_before(chain.scores.begin(), chain.scores.end());
    const std::vector<Candidate> before = candidates;
    if (active) stage->apply(chain);
    LadderStage record;
    if (candidates.empty()) {
      record = after_scores(scores_before, chain.scores);
    } else if (before.empty()) {  // the temperature, which makes candidates of scores
      whole = total(candidates);
      record = {.kept = candidates.size(),
                .removed = chain.scores.size() - candidates.size(),
                .best = heaviest(candidates, whole, kShown)};
    } else {
      const bool anew = active && before.size() == candidates.size() &&
                        (stage->kind == StageKind::temperature || stage->kind == StageKind::last);
      if (anew) whole *= total(candidates) / total(before);
      record = after_candidates(before, candidates, whole);
      if (anew) record.changed = candidates.size();
    }
    record.name = stage->name;
    record.active = active;
    ladder.stages.push_back(std::move(record));
  }
  if (chain.temperature == 0) make_candidates(chain);
  ladder.temperature = options.temperature == 0 ? 0.0f : static_cast<float>(chain.temperature);
  ladder.top_k = static_cast<std::size_t>(std::max(0, options.top_k));
  ladder.top_p = options.top_p;
  draw(candidates, options, ladder);
  return ladder;
}

}  // namespace continuo::explain
