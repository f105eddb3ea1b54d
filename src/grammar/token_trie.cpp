#include "grammar/token_trie.h"

#include <algorithm>

#include "grammar/shared_masks.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Characters of a plain token, or kNotPlain.
std::uint8_t plain_characters(std::string_view text) {
  std::size_t chars = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '"' || c == '\\') return ByteTrie::kNotPlain;
    chars += (byte & 0xc0) != 0x80;
  }
  if (chars >= ByteTrie::kNotPlain || valid_utf8_prefix(text) != text.size()) return ByteTrie::kNotPlain;
  return static_cast<std::uint8_t>(chars);
}

struct Range {
  std::uint32_t node, first, last, depth;  // ids from `first` to before `last` begin with the node's bytes
};

}  // namespace

template <class BytesOf>
ByteTrie::ByteTrie(std::vector<TokenId> ids, const std::vector<std::uint8_t>& plain, BytesOf bytes)
    : ids_(std::move(ids)) {
  nodes_.push_back({});
  std::vector<Range> ranges = {{0, 0, static_cast<std::uint32_t>(ids_.size()), 0}};
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto [node, first, last, depth] = ranges[i];
    Node made = nodes_[node];
    made.first_token = first;
    while (first < last && bytes(ids_[first]).size() == depth) {
      made.plain = std::max(made.plain, plain[static_cast<std::size_t>(ids_[first])]);
      ++first;
    }
    made.tokens = first - made.first_token;
    made.first_child = static_cast<std::uint32_t>(nodes_.size());
    while (first < last) {
      const char byte = bytes(ids_[first])[depth];
      std::uint32_t end = first + 1;
      while (end < last && bytes(ids_[end])[depth] == byte) ++end;
      ranges.push_back({static_cast<std::uint32_t>(nodes_.size()), first, end, depth + 1});
      nodes_.push_back({0, 0, 0, 0, static_cast<std::uint8_t>(byte), 0});
      ++made.children;
      first = end;
    }
    nodes_[node] = made;
  }
  for (std::size_t i = nodes_.size(); i > 0; --i) {
    Node& node = nodes_[i - 1];
    for (std::uint32_t c = 0; c < node.children; ++c)
      node.plain = std::max(node.plain, nodes_[node.first_child + c].plain);
  }
}

std::string_view TokenTrie::bytes(TokenId id) const {
  const auto at = static_cast<std::size_t>(id);
  if (id < 0 || at >= vocab_size()) return {};
  return std::string_view(text_).substr(starts_[at], starts_[at + 1] - starts_[at]);
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : starts_(1, 0), shared_(std::make_unique<SharedMasks>()) {
  std::vector<TokenId> ids;  // with bytes
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    text_ += tokenizer.bytes_of(static_cast<TokenId>(id));
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    if (starts_[id] < starts_[id + 1]) ids.push_back(static_cast<TokenId>(id));
  }
  sort(ids);
  characters_.assign(vocab_size(), ByteTrie::kNotPlain);
  std::array<std::vector<TokenId>, kMostPlain + 1> by_length;
  for (const TokenId id : ids) {
    const std::uint8_t chars = characters_[static_cast<std::size_t>(id)] = plain_characters(bytes(id));
    if (chars != ByteTrie::kNotPlain) by_length[chars].push_back(id);
  }
  plain_.emplace_back((vocab_size() + 63) / 64);
  for (std::uint32_t n = 1; n <= kMostPlain; ++n) {
    if (!by_length[n].empty()) plain_.push_back(TokenBits(plain_.back()));
    for (const TokenId id : by_length[n]) plain_.back()[static_cast<std::size_t>(id) / 64] |= 1ull << (id % 64);
    plain_of_[n] = static_cast<std::uint16_t>(plain_.size() - 1);
  }
  plain_of_[0] = plain_of_[kMostPlain];
  ids_ = std::move(ids);
}

// In the order of their bytes: by the first eight of them, most often.
void TokenTrie::sort(std::vector<TokenId>& ids) const {
  std::vector<std::pair<std::uint64_t, TokenId>> keys;
  keys.reserve(ids.size());
  for (const TokenId id : ids) {
    std::uint64_t key = 0;
    const std::string_view text = bytes(id);
    for (std::size_t i = 0; i < 8; ++i) key = key << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
    keys.emplace_back(key, id);
  }
  std::sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int order = bytes(a.second).compare(bytes(b.second));
    return order != 0 ? order < 0 : a.second < b.second;
  });
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = keys[i].second;
}

const ByteTrie& TokenTrie::beside_plain(std::uint32_t chars) const {
  std::size_t level = kLevels.size() - 1;
  while (kLevels[level] > chars) --level;
  std::call_once(made_[level], [&] {
    std::vector<TokenId> ids = ids_;
    std::erase_if(ids, [&](TokenId id) {
      const std::uint8_t n = characters_[static_cast<std::size_t>(id)];
      return n != ByteTrie::kNotPlain && n <= kLevels[level];
    });
    tries_[level] = ByteTrie(std::move(ids), characters_, [&](TokenId id) { return bytes(id); });
  });
  return tries_[level];
}

TokenTrie::~TokenTrie() = default;

}  // namespace continuo
