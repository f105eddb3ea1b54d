#include "text/word_cache.h"

#include <algorithm>

#include "text/vocabulary.h"

namespace continuo {

std::span<const TokenId> WordCache::find(std::string_view word) {
  if (word.size() > kMaxBytes) return {};
  if (!entries_.empty()) {
    place_ = hash_bytes(word) & (entries_.size() - 1);
    const Entry& entry = entries_[place_];
    if (std::string_view(entry.bytes.data(), entry.size) == word) return {entry.ids.data(), entry.count};
  }
  if (++misses_ == misses_to_grow_) grow();
  return {};
}

void WordCache::grow() {
  const std::size_t size = entries_.empty() ? kFirstEntries : entries_.size() * 4;
  if (size > kMostEntries) return;
  misses_to_grow_ += size * 4;
  entries_ = {};
  entries_.resize(size);
  place_ = size;  // the word of the last find() has none here
}

void WordCache::remember(std::string_view word, std::span<const TokenId> ids) {
  if (place_ >= entries_.size() || word.size() > kMaxBytes || ids.size() > kMaxIds) return;
  Entry& entry = entries_[place_];
  std::copy(word.begin(), word.end(), entry.bytes.begin());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
  entry.size = static_cast<std::uint8_t>(word.size());
  entry.count = static_cast<std::uint8_t>(ids.size());
}

}  // namespace continuo
