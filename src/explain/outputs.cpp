#include <algorithm>
#include <cmath>

#include "explain/explain.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kGuesses = 8;

struct Distribution {
  double largest = 0, normalizer = 0;  // ln of the sum of exp
};

Distribution distribution(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - largest);
  return {largest, largest + std::log(sum)};
}

double entropy_bits(std::span<const float> logits, const Distribution& d) {
  double nats = 0;
  for (const float logit : logits) {
    const double logprob = double(logit) - d.normalizer;
    nats -= std::exp(logprob) * logprob;
  }
  return nats / std::log(2.0);
}

// The first layer at which the last one's choice leads.
std::optional<std::size_t> first_leading(const Recording& r, std::size_t row) {
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (r.layers[i].final_rank[row] == 0) return i;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Guess> best_guesses(std::span<const float> logits, std::size_t k) {
  std::vector<TokenId> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  k = std::min(k, order.size());
  const auto better = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), better);
  const Distribution d = distribution(logits);
  std::vector<Guess> guesses;
  for (std::size_t i = 0; i < k; ++i) {
    const double logit = logits[static_cast<std::size_t>(order[i])];
    guesses.push_back({order[i], static_cast<float>(std::exp(logit - d.normalizer))});
  }
  return guesses;
}

std::size_t rank_of(std::span<const float> logits, TokenId id) {
  const auto at = static_cast<std::size_t>(id);
  std::size_t better = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    better += logits[i] > logits[at] || (logits[i] == logits[at] && i < at) ? 1 : 0;
  }
  return better;
}

void describe_outputs(const Question& question, Recording& r) {
  double sum = 0;
  std::size_t scored = 0;
  for (std::size_t row = 0; row < r.rows(); ++row) {
    const std::span<const float> logits(&r.logits.at(row, 0), r.vocab_size);
    const Distribution d = distribution(logits);
    RowOutput output{.guesses = best_guesses(logits, kGuesses), .entropy = entropy_bits(logits, d)};
    output.first_leading = first_leading(r, row);
    if (r.from + row + 1 < question.ids.size()) {
      const TokenId next = question.ids[r.from + row + 1];
      output.next = next;
      output.logprob = double(logits[static_cast<std::size_t>(next)]) - d.normalizer;
      output.rank = rank_of(logits, next);
      if (row + 1 < r.rows()) {
        sum += *output.logprob;
        ++scored;
      }
    }
    r.outputs.push_back(std::move(output));
  }
  if (scored > 0) r.perplexity = std::exp(-sum / double(scored));
}

}  // namespace continuo::explain
