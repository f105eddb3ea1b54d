// Remembers the ids of short words that come again within one text. One per call, so that encoding stays
// const.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace continuo {

class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 30;
  static constexpr std::size_t kMaxIds = 7;

  // The ids remembered for `word`, or none (words that have no ids at all are not remembered).
  std::span<const TokenId> find(std::string_view word);
  // Remembers `ids` for the word of the last find(), if both are short enough.
  void remember(std::string_view word, std::span<const TokenId> ids);

 private:
  struct Entry {
    std::array<char, kMaxBytes> bytes;
    std::uint8_t size = 0;
    std::uint8_t count = 0;
    std::array<TokenId, kMaxIds> ids;
  };
  // The table grows with the words that were not in it: short texts pay for none, long ones for what they
  // use.
  static constexpr std::size_t kFirstMisses = 64, kFirstEntries = 1024, kMostEntries = 32768;
  void grow();

  std::vector<Entry> entries_;  // a power of two
  std::size_t misses_ = 0, misses_to_grow_ = kFirstMisses;
  std::size_t place_ = 0;
};

}  // namespace continuo
