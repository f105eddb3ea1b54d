#include "text/byte_trie.h"

#include "text/vocabulary.h"

namespace continuo {

bool ByteTrie::add(std::string_view key, std::int32_t value) {
  if (key.size() > kLongestKey) return false;
  std::uint32_t node = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t next = child(node, byte);
    if (next == kNone) next = add_child(node, byte);
    if (next == kNone) return false;
    node = next;
  }
  values_[node] = value;
  return true;
}

std::uint32_t ByteTrie::add_child(std::uint32_t node, unsigned char byte) {
  const auto added = static_cast<std::uint32_t>(values_.size());
  if (added == kMaxNodes) return kNone;
  if (node == 0) {
    root_[byte] = added;
  } else {
    if (used_ * 3 >= edges_.size() * 2 && !grow()) return kNone;
    if (!insert({node << 8 | byte, added})) return kNone;
    ++used_;
  }
  values_.push_back(-1);
  return added;
}

bool ByteTrie::insert(Edge edge) {
  std::size_t i = place(edge.from);
  for (std::size_t probe = 0; probe < kMaxProbes; ++probe, i = (i + 1) & mask_) {
    if (edges_[i].to != kNone) continue;
    edges_[i] = edge;
    return true;
  }
  return false;
}

bool ByteTrie::grow() {
  const std::vector<Edge> old = std::move(edges_);
  edges_ = std::vector<Edge>(old.size() * 2);
  mask_ = edges_.size() - 1;
  --shift_;
  for (const Edge& edge : old) {
    if (edge.to != kNone && !insert(edge)) return false;
  }
  return true;
}

std::optional<ByteTrie::Match> ByteTrie::longest_prefix(std::string_view text) const {
  std::optional<Match> longest;
  each_prefix(text, [&](Match match) { longest = match; });
  return longest;
}

}  // namespace continuo
