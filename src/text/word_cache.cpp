#include "text/word_cache.h"

#include <algorithm>

#include "text/vocabulary.h"

namespace continuo {

std::span<const TokenId> WordCache::find(std::string_view word) {
  if (word.size() > kMaxBytes) return {};
  if (entries_.empty()) {
    if (++asked_ < kWarmUp) return {};
    entries_.resize(kEntries);
  }
  place_ = hash_bytes(word) % kEntries;
  const Entry& entry = entries_[place_];
  if (std::string_view(entry.bytes.data(), entry.size) != word) return {};
  return {entry.ids.data(), entry.count};
}

void WordCache::remember(std::string_view word, std::span<const TokenId> ids) {
  if (entries_.empty() || word.size() > kMaxBytes || ids.size() > kMaxIds) return;
  Entry& entry = entries_[place_];
  std::copy(word.begin(), word.end(), entry.bytes.begin());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
  entry.size = static_cast<std::uint8_t>(word.size());
  entry.count = static_cast<std::uint8_t>(ids.size());
}

}  // namespace continuo
