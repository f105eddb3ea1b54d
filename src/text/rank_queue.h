// A priority queue of (rank, position), smallest first, for merging long words: a bucket for each rank. The
// positions of one rank mostly come in order, so that nearly all of them are appended and read in sequence.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace continuo {

class RankQueue {
 public:
  struct Item {
    std::uint32_t rank, position;
  };
  bool empty() const { return ranks_.empty(); }
  void push(std::uint32_t rank, std::uint32_t position);
  Item pop();  // the queue must not be empty

 private:
  struct Bucket {
    std::vector<std::uint32_t> ordered;  // ascending, from `next` on
    std::size_t next = 0;
    std::vector<std::uint32_t> others;  // a heap of what came out of order
    bool empty() const { return next == ordered.size() && others.empty(); }
  };
  Bucket& bucket(std::uint32_t rank);

  std::vector<std::uint32_t> ranks_;                       // a heap of the ranks whose buckets hold something
  std::unordered_map<std::uint32_t, std::size_t> places_;  // rank -> its bucket
  std::vector<Bucket> buckets_;
  std::uint32_t last_rank_ = 0xffffffffu;
  std::size_t last_place_ = 0;
};

}  // namespace continuo
