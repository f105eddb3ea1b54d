// A BPE model's merges: (left id, right id) -> the rank of the merge and the id of the merged piece.
#pragma once

#include <cstdint>
#include <vector>

#include "base/types.h"

namespace continuo {

inline constexpr std::uint32_t kNoRank = 0xffffffffu;

struct Merge {
  std::uint32_t rank = kNoRank;  // smaller ranks merge first
  TokenId merged = -1;
};

class MergeTable {
 public:
  // Makes room for `count` merges.
  void reserve(std::size_t count);
  // A pair that comes again gets the later rank. False if the keys were chosen to collide.
  bool add(TokenId left, TokenId right, Merge merge);
  // Fetches the place of a pair that will be asked for or added soon.
  void prefetch(TokenId left, TokenId right) const { __builtin_prefetch(&slots_[place(key_of(left, right))]); }
  // Merge{} for a pair that does not merge.
  Merge find(TokenId left, TokenId right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = place(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };
  static std::uint64_t key_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t place(std::uint64_t key) const {
    const std::uint64_t mixed = (key ^ key >> 27) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>(mixed >> shift_);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(2);  // a power of two, never full
  std::size_t mask_ = 1;
  unsigned shift_ = 63;
};

}  // namespace continuo
