#include "generate/step_costs.h"

#include <algorithm>

namespace continuo {

namespace {

// Before it is known better, a row costs this share of a step of one.
constexpr double kCostOfRow = 0.2;
constexpr double kLearning = 1.0 / 4;
// A time that was long when others wanted the processor is forgotten, and measured again.
constexpr double kForgetting = 1.0 / 128;
// A step that took longer was held up.
constexpr double kHeldUp = 4;
// Drafts have to promise so much more tokens a second.
constexpr double kWorthIt = 1.15;

}  // namespace

StepCosts::StepCosts() { seconds_.fill(0); }

std::size_t StepCosts::index(std::size_t rows) {
  return static_cast<std::size_t>(std::lower_bound(kRows.begin(), kRows.end(), rows) - kRows.begin());
}

double StepCosts::expected(std::size_t i) const {
  const auto relative = [](std::size_t j) { return 1 + kCostOfRow * static_cast<double>(kRows[j] - 1); };
  // By the smallest step that was measured; where none was, all that counts is how steps compare.
  for (std::size_t j = 0; j < kRows.size(); ++j) {
    if (seconds_[j] > 0) return seconds_[j] * relative(i) / relative(j);
  }
  return relative(i);
}

void StepCosts::record(std::size_t rows, double seconds) {
  const std::size_t at = index(rows);
  if (at == kRows.size() || kRows[at] != rows) return;
  for (std::size_t i = 1; i < kRows.size(); ++i) {
    if (i != at && seconds_[i] > 0) seconds_[i] += (expected(i) - seconds_[i]) * kForgetting;
  }
  double& mine = seconds_[at];
  mine = mine > 0 ? mine + (std::min(seconds, mine * kHeldUp) - mine) * kLearning : seconds;
}

double StepCosts::seconds(std::size_t rows) const {
  const std::size_t i = std::min(index(rows), kRows.size() - 1);
  // More rows never take less time than one; where that was measured, one was held up.
  return std::max(seconds_[i] > 0 ? seconds_[i] : expected(i), seconds_[0]);
}

StepCosts::DraftLength StepCosts::choose_draft_length(const Drafter& drafter, std::size_t most,
                                                      const Expected& step) const {
  DraftLength best{.drafts = 0, .step = step, .seconds = seconds(step.rows) + step.drafting};
  if (!drafter.available() || step.rows >= most_rows) return best;
  double best_rate = best.rate() * kWorthIt, right = 1, more = 0;
  for (std::size_t n = 1; n <= std::min(most, most_rows - step.rows); ++n) {
    right *= drafter.probability(n - 1);
    more += right;
    if (kRows[index(step.rows + n)] != step.rows + n) continue;
    const Expected with{step.rows + n, step.tokens + more, step.drafting + drafter.cost(n)};
    const DraftLength length{.drafts = n, .step = with, .seconds = seconds(with.rows) + with.drafting};
    if (length.rate() > best_rate) best_rate = length.rate(), best = length;
  }
  return best;
}

}  // namespace continuo
