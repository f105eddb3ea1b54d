#include "text/rank_queue.h"

#include <algorithm>
#include <functional>

namespace continuo {

RankQueue::Bucket& RankQueue::bucket(std::uint32_t rank) {
  if (rank != last_rank_) {
    const auto [place, is_new] = places_.try_emplace(rank, buckets_.size());
    if (is_new) buckets_.emplace_back();
    last_rank_ = rank;
    last_place_ = place->second;
  }
  return buckets_[last_place_];
}

void RankQueue::push(std::uint32_t rank, std::uint32_t position) {
  Bucket& into = bucket(rank);
  if (into.empty()) {
    ranks_.push_back(rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    into.ordered.clear();
    into.next = 0;
  }
  if (into.ordered.empty() || position >= into.ordered.back()) {
    into.ordered.push_back(position);
  } else {
    into.others.push_back(position);
    std::push_heap(into.others.begin(), into.others.end(), std::greater<>());
  }
}

RankQueue::Item RankQueue::pop() {
  const std::uint32_t rank = ranks_.front();
  Bucket& from = bucket(rank);
  std::uint32_t position = 0;
  const bool has_ordered = from.next < from.ordered.size();
  if (has_ordered && (from.others.empty() || from.ordered[from.next] <= from.others.front())) {
    position = from.ordered[from.next++];
  } else {
    std::pop_heap(from.others.begin(), from.others.end(), std::greater<>());
    position = from.others.back();
    from.others.pop_back();
  }
  if (from.empty()) {
    std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    ranks_.pop_back();
  }
  return {rank, position};
}

}  // namespace continuo
