#include <algorithm>
#include <cmath>

#include "explain/explain.h"
#include "layers/forward.h"

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

// The first layer at which the last one's choice leads, where layers were asked.
std::optional<std::size_t> first_leading(const Recording& r, std::size_t row) {
  if (r.layers.empty() || r.layers.front().final_rank.empty()) return std::nullopt;
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (r.layers[i].final_rank[row] == 0) return i;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Guess> best_guesses(std::span<const float> logits, std::size_t k) {
  k = std::min(k, logits.size());
  // The best so far, best first. Ids come in order, so that of equals the lower stays in front.
  std::vector<TokenId> best;
  best.reserve(k + 1);
  const auto at = [&](TokenId id) { return logits[static_cast<std::size_t>(id)]; };
  for (std::size_t i = 0; i < logits.size() && k > 0; ++i) {
    if (best.size() == k && !(logits[i] > at(best.back()))) continue;
    const auto behind = std::find_if(best.begin(), best.end(), [&](TokenId other) { return logits[i] > at(other); });
    best.insert(behind, static_cast<TokenId>(i));
    if (best.size() > k) best.pop_back();
  }
  const Distribution d = distribution(logits);
  std::vector<Guess> guesses;
  for (const TokenId id : best) guesses.push_back({id, static_cast<float>(std::exp(double(at(id)) - d.normalizer))});
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

namespace {

// `next`: what stands where the distribution is about.
RowOutput describe_row(std::span<const float> logits, std::optional<TokenId> next) {
  const Distribution d = distribution(logits);
  RowOutput output{.guesses = best_guesses(logits, kGuesses), .entropy = entropy_bits(logits, d), .next = next};
  if (!next) return output;
  output.logprob = double(logits[static_cast<std::size_t>(*next)]) - d.normalizer;
  output.rank = rank_of(logits, *next);
  return output;
}

}  // namespace

void describe_outputs(const Question& question, Recording& r) {
  double sum = 0;
  std::size_t scored = 0;
  for (std::size_t row = 0; row < r.rows(); ++row) {
    const std::size_t behind = r.from + row + 1;
    RowOutput output = describe_row({&r.logits.at(row, 0), r.vocab_size},
                                    behind < question.ids.size() ? std::optional(question.ids[behind]) : std::nullopt);
    output.first_leading = first_leading(r, row);
    if (output.next && row + 1 < r.rows()) {
      sum += *output.logprob;
      ++scored;
    }
    r.outputs.push_back(std::move(output));
  }
  if (scored > 0) r.perplexity = std::exp(-sum / double(scored));
}

Result<void> describe_masked_outputs(const Machine& machine, const Question& question, Recording& r,
                                     const std::atomic<bool>& interrupted) {
  ForwardPass forward(machine.model, machine.kernels, machine.threads);
  double sum = 0;
  for (std::size_t row = 0; row < r.rows(); ++row) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    std::vector<TokenId> hidden = question.ids;
    hidden[row] = *question.mask;
    SequenceState state(machine.model.spec, hidden.size(), hidden.size(), machine.kv_type);
    const Segment segment{.state = &state, .tokens = hidden, .chosen = std::span(&row, 1)};
    r.outputs.push_back(describe_row(forward(std::span(&segment, 1)), question.ids[row]));
    r.outputs.back().first_leading = first_leading(r, row);
    sum += *r.outputs.back().logprob;
  }
  r.perplexity = std::exp(-sum / double(r.rows()));
  return {};
}

}  // namespace continuo::explain
