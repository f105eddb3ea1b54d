#include "grammar/token_trie.h"

#include <algorithm>

namespace continuo {

std::string_view TokenTrie::bytes(TokenId id) const {
  const auto at = static_cast<std::size_t>(id);
  if (id < 0 || at >= vocab_size()) return {};
  return std::string_view(text_).substr(starts_[at], starts_[at + 1] - starts_[at]);
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : starts_(1, 0) {
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    text_ += tokenizer.bytes_of(static_cast<TokenId>(id));
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    if (starts_[id] < starts_[id + 1]) ids_.push_back(static_cast<TokenId>(id));
  }
  std::sort(ids_.begin(), ids_.end(), [&](TokenId a, TokenId b) {
    const int order = bytes(a).compare(bytes(b));
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<std::uint32_t> path;  // nodes of the token before
  std::string_view before;
  for (std::uint32_t i = 0; i < ids_.size(); ++i) {
    const std::string_view text = bytes(ids_[i]);
    const auto same = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    while (path.size() > same) {
      nodes_[path.back()].after = static_cast<std::uint32_t>(nodes_.size());
      path.pop_back();
    }
    for (std::size_t at = same; at < text.size(); ++at) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({static_cast<std::uint8_t>(text[at]), static_cast<std::uint32_t>(at + 1), 0, i, 0});
    }
    ++nodes_[path.back()].tokens;
    longest_ = std::max(longest_, text.size());
    before = text;
  }
  for (const std::uint32_t node : path) nodes_[node].after = static_cast<std::uint32_t>(nodes_.size());
}

}  // namespace continuo
