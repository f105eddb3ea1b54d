#include "text/merge_table.h"

#include <algorithm>
#include <bit>

#include "text/vocabulary.h"

namespace continuo {

void MergeTable::reserve(std::size_t count) {
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(2, count * 3 / 2 + 1));
  slots_.assign(size, {});
  mask_ = size - 1;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(size));
}

bool MergeTable::add(TokenId left, TokenId right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t i = place(key);
  for (std::size_t probe = 0; probe < kMaxProbes; ++probe, i = (i + 1) & mask_) {
    if (slots_[i].key != kFree && slots_[i].key != key) continue;
    slots_[i] = {key, merge};
    return true;
  }
  return false;
}

}  // namespace continuo
