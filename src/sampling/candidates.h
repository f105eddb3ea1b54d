// What stages over candidates have in common. For the files of stages alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sampling/stages.h"

namespace continuo {

inline constexpr auto better = [](const Rank& a, const Rank& b) {
  return a.merit != b.merit ? a.merit > b.merit : a.index < b.index;
};

// The n best of what is added, unordered, in time linear in the number of additions: of every 2n that pass
// the bar the better half stays, and the last of it becomes the bar.
class Selection {
 public:
  Selection(std::vector<Rank>& ranks, std::size_t n) : ranks_(ranks), n_(n) { ranks_.clear(); }

  // Whether it is not worse than n others already.
  bool passes(const Rank& rank) const { return !full_ || better(rank, bar_); }
  void add(const Rank& rank) {
    ranks_.push_back(rank);
    if (ranks_.size() == 2 * n_) prune();
  }
  void finish() {
    if (ranks_.size() > n_) prune();
  }
  bool full() const { return full_; }
  const Rank& bar() const { return bar_; }

 private:
  void prune() {
    std::nth_element(ranks_.begin(), ranks_.begin() + static_cast<std::ptrdiff_t>(n_ - 1), ranks_.end(), better);
    ranks_.resize(n_);
    bar_ = ranks_[n_ - 1];
    full_ = true;
  }

  std::vector<Rank>& ranks_;
  std::size_t n_;
  bool full_ = false;
  Rank bar_{};
};

// What a weight is e to the power of.
struct Exponent {
  double largest, temperature;
  double operator()(float score) const { return (score - largest) / temperature; }
};

inline Exponent exponent_of(const Chain& chain) { return {chain.largest, chain.temperature}; }

// Merit: of the candidate with an index.

// Fills chain.ranks with the `n` best candidates, unordered.
template <class Merit>
void select_best(Chain& chain, std::size_t n, Merit merit) {
  Selection selection(chain.ranks, n);
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    const Rank rank{merit(i), static_cast<std::uint32_t>(i)};
    if (selection.passes(rank)) selection.add(rank);
  }
  selection.finish();
}

// Keeps the candidates that are not worse than `last`, in their order.
template <class Merit>
void keep_down_to(Chain& chain, Rank last, Merit merit) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < chain.candidates.size(); ++i) {
    if (better(last, Rank{merit(i), static_cast<std::uint32_t>(i)})) continue;
    chain.candidates[kept++] = chain.candidates[i];
  }
  chain.candidates.resize(kept);
}

inline double total_weight(const Chain& chain) {
  double total = 0;
  for (const Candidate& candidate : chain.candidates) total += candidate.weight;
  return total;
}

inline auto by_score(const Chain& chain) {
  return [&](std::size_t i) -> double { return chain.candidates[i].score; };
}

}  // namespace continuo
