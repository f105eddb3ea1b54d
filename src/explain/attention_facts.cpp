#include "explain/attention_facts.h"

#include <algorithm>
#include <cmath>

namespace continuo::explain {

namespace {

double asymmetry(const Grid& s) {
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (std::size_t j = 0; j < s.cols; ++j) {
      const double d = double(s.at(i, j)) - double(s.at(j, i));
      difference += d * d;
      whole += double(s.at(i, j)) * double(s.at(i, j));
    }
  }
  return whole > 0 ? std::sqrt(difference / whole) : 0;
}

// In bits; what stands before the window counts as one place, so the true value is at least this.
double row_entropy(const HeadRecord& head, std::size_t row) {
  double entropy = 0;
  const auto add = [&](double w) { entropy -= w > 0 ? w * std::log2(w) : 0; };
  add(head.before[row]);
  for (std::size_t j = 0; j < head.weights.cols; ++j) add(head.weights.at(row, j));
  return entropy;
}

// Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022,
// arXiv:2209.11895.
std::optional<double> induction(const Grid& w, std::span<const TokenId> ids) {
  double sum = 0;
  std::size_t rows = 0;
  for (std::size_t i = 1; i < w.rows; ++i) {
    double weight = 0;
    bool repeated = false;
    for (std::size_t j = 1; j <= i; ++j) {
      if (ids[j - 1] != ids[i]) continue;
      weight += w.at(i, j);
      repeated = true;
    }
    if (!repeated) continue;
    sum += weight;
    ++rows;
  }
  if (rows == 0) return std::nullopt;
  return sum / double(rows);
}

}  // namespace

HeadFacts attention_facts(const HeadRecord& head, std::span<const TokenId> ids, std::size_t from) {
  const Grid& w = head.weights;
  HeadFacts facts{.asymmetry = asymmetry(head.scores), .induction = induction(w, ids)};
  double rows = 0;
  for (std::size_t i = 0; i < w.rows; ++i) {
    facts.entropy += row_entropy(head, i) / double(w.rows);
    if (from + i == 0) continue;  // the first token sees itself alone
    const float* const row = w.values.data() + i * w.cols;
    const auto largest = static_cast<std::size_t>(std::max_element(row, row + w.cols) - row);
    facts.off_diagonal += largest != i || head.before[i] > row[i] ? 1 : 0;
    if (from == 0) facts.first_token += row[0];
    if (i > 0) facts.previous_token += row[i - 1];
    facts.own_token += row[i];
    ++rows;
  }
  if (rows > 0) {
    facts.off_diagonal /= rows;
    facts.first_token /= rows;
    facts.previous_token /= rows;
    facts.own_token /= rows;
  }
  return facts;
}

double share_of(const HeadFacts& facts, HeadKind kind) {
  switch (kind) {
    case HeadKind::previous_token:
      return facts.previous_token;
    case HeadKind::first_token:
      return facts.first_token;
    case HeadKind::own_token:
      return facts.own_token;
    case HeadKind::induction:
      return facts.induction.value_or(0);
    case HeadKind::mixed:
      break;
  }
  return 0;
}

HeadKind kind_of(const HeadFacts& facts) {
  // Heads that have nothing to look at rest on the first token, whatever else they do: that is what is said last.
  const auto rests = std::find(std::begin(kHeadKinds), std::end(kHeadKinds), HeadKind::first_token);
  const HeadKind best = *std::max_element(
      std::begin(kHeadKinds), rests, [&](HeadKind a, HeadKind b) { return share_of(facts, a) < share_of(facts, b); });
  for (const HeadKind kind : {best, HeadKind::first_token}) {
    if (share_of(facts, kind) >= kKindShare) return kind;
  }
  return HeadKind::mixed;
}

}  // namespace continuo::explain
