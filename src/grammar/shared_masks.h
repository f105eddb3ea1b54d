// What parts of grammars allow, by what they are: a JSON string is the same in all schemas.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.h"

namespace continuo {

// The tokens that a part of a grammar allows, as far as it does not end.
struct PartMask {
  std::vector<std::uint64_t> bits;  // a bit a token id; empty: `tokens` has them
  std::vector<TokenId> tokens;
  std::vector<std::uint32_t> exits;  // nodes of the trie at which the part may end in the midst of a token
  std::size_t bytes() const { return bits.size() * 8 + tokens.size() * 4 + exits.size() * 4 + sizeof(PartMask); }
};

class SharedMasks {
 public:
  using Ref = std::shared_ptr<const PartMask>;

  // By any thread. Null: not known.
  Ref find(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(part);
    return known == known_.end() ? nullptr : known->second;
  }
  void keep(std::string part, Ref mask) {
    const std::lock_guard lock(mutex_);
    if (bytes_ > kMostBytes) {
      known_.clear();
      bytes_ = 0;
    }
    bytes_ += part.size() + mask->bytes();
    known_.try_emplace(std::move(part), std::move(mask));
  }

 private:
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Ref> known_;
  std::size_t bytes_ = 0;
};

}  // namespace continuo
