#include "explain/loop_record.h"

#include <algorithm>
#include <cmath>

#include "explain/explain.h"
#include "model/exit_rule.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kGuesses = 5;

// ln of the sum of exp.
double normalizer(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - largest);
  return largest + std::log(sum);
}

double entropy_bits(std::span<const float> logits) {
  const double z = normalizer(logits);
  double nats = 0;
  for (const float logit : logits) nats -= std::exp(double(logit) - z) * (double(logit) - z);
  return nats / std::log(2.0);
}

double divergence(std::span<const float> p, std::span<const float> q) {
  const double zp = normalizer(p), zq = normalizer(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double lp = double(p[i]) - zp;
    sum += std::exp(lp) * (lp - (double(q[i]) - zq));
  }
  return std::max(sum, 0.0);
}

double relative_change(std::span<const float> x, std::span<const float> before) {
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference += (double(x[i]) - double(before[i])) * (double(x[i]) - double(before[i]));
    length += double(x[i]) * double(x[i]);
  }
  return length > 0 ? std::sqrt(difference / length) : 0;
}

}  // namespace

LoopRecord LoopReader::read(std::size_t loop, std::span<const float> logits, RowsView x,
                            std::span<const float> lambdas) {
  LoopRecord record;
  const std::size_t vocab_size = logits.size() / x.rows;
  if (loop == 1) survival_.assign(x.rows, 1);
  std::vector<float> rows(x.rows * x.width);
  for (std::size_t row = 0; row < x.rows; ++row) {
    const auto scores = logits.subspan(row * vocab_size, vocab_size);
    LoopRow& out = record.rows.emplace_back();
    out.guesses = best_guesses(scores, kGuesses);
    out.entropy = entropy_bits(scores);
    if (loop > 1) {
      out.kl = divergence(scores, std::span<const float>(logits_).subspan(row * vocab_size, vocab_size));
      out.change = relative_change(x[row], std::span<const float>(x_).subspan(row * x.width, x.width));
    }
    if (!lambdas.empty()) {
      out.lambda = double(lambdas[row]) * survival_[row];
      survival_[row] *= 1 - double(lambdas[row]);
      out.gate_sum = 1 - survival_[row];
    }
    std::copy_n(x[row].data(), x.width, rows.data() + row * x.width);
  }
  logits_.assign(logits.begin(), logits.end());
  x_ = std::move(rows);
  return record;
}

namespace {

// Whether the rule ends a row after `loop` (from 0).
bool ends(const ExitRule& rule, const Recording& r, std::size_t loop, std::size_t row) {
  const LoopRow& at = r.loops[loop].rows[row];
  switch (rule.kind) {
    case ExitRule::Kind::none:
      return false;
    case ExitRule::Kind::kl:
      return at.kl && *at.kl < double(rule.limit);
    case ExitRule::Kind::latent:
      return at.change && *at.change < double(rule.limit);
    case ExitRule::Kind::stable:
      return loop > 0 && at.guesses.front().id == r.loops[loop - 1].rows[row].guesses.front().id;
    case ExitRule::Kind::gate:
      return at.gate_sum && *at.gate_sum >= double(rule.limit > 0 ? rule.limit : r.gate_threshold);
  }
  return false;
}

}  // namespace

std::vector<ExitExample> exit_examples(const Recording& r) {
  std::vector<ExitExample> out;
  if (r.loops.empty()) return out;
  for (const char* const text :
       {"kl<0.1", "kl<0.01", "kl<0.001", "latent<0.1", "latent<0.03", "stable", "gate>0.5", "gate"}) {
    const auto rule = parse_exit_rule("", text);
    if (rule->kind == ExitRule::Kind::gate && !r.loops.front().rows.front().lambda) continue;
    ExitExample example{.rule = text, .loops = {}};
    for (std::size_t row = 0; row < r.rows(); ++row) {
      std::size_t loop = 0;
      while (loop + 1 < r.loops.size() && !ends(*rule, r, loop, row)) ++loop;
      example.loops.push_back(loop + 1);
    }
    out.push_back(std::move(example));
  }
  return out;
}

EarlyExit early_exit(const Recording& r) {
  EarlyExit exit;
  if (r.layers.empty() || r.layers.back().final_rank.size() != r.rows()) return exit;  // guesses were not asked for
  std::vector<double> layer_bytes(r.layers.size());
  double output = 0;
  for (const PhaseCost& phase : r.cost.phases) {
    if (phase.name == "output") output += phase.bytes;
    if (phase.layer && (phase.name == "projections" || phase.name == "feed_forward"))
      layer_bytes[*phase.layer] += phase.bytes;
  }
  double all = output;
  for (const double bytes : layer_bytes) all += bytes;
  if (all > 0) exit.output_share = output / all;
  for (std::size_t row = 0; row < r.rows(); ++row) {
    std::size_t first = r.layers.size() - 1;
    while (first > 0 && r.layers[first - 1].final_rank[row] == 0) --first;
    double saved = 0;
    for (std::size_t i = first + 1; i < layer_bytes.size(); ++i) saved += layer_bytes[i];
    exit.layers.push_back(first);
    if (all > 0) exit.saved += saved / all / double(r.rows());
  }
  return exit;
}

}  // namespace continuo::explain
