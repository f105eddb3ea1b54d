#include "generate/phrases.h"

#include <algorithm>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::uint64_t edge(std::uint32_t state, unsigned char byte) { return std::uint64_t{state} * 256 + byte; }

}  // namespace

Phrases::Phrases(const std::vector<std::string>& phrases) : nodes_(1) {
  for (const std::string& phrase : phrases) {
    CONTINUO_CHECK(!phrase.empty(), "phrases are not empty");
    std::uint32_t state = 0;
    for (const char c : phrase) state = add_child(state, static_cast<unsigned char>(c));
    nodes_[state].match = nodes_[state].depth;
  }
  link_fallbacks(phrases);
}

Phrases::State Phrases::add_child(State state, unsigned char byte) {
  const auto [child, is_new] = children_.try_emplace(edge(state, byte), static_cast<std::uint32_t>(nodes_.size()));
  if (is_new) nodes_.push_back({.depth = nodes_[state].depth + 1});
  return child->second;
}

// Shallow states first, because a fallback is always shallower.
void Phrases::link_fallbacks(const std::vector<std::string>& phrases) {
  std::vector<std::uint32_t> at(phrases.size(), 0);  // each phrase's state at the current depth
  bool any = true;
  for (std::size_t depth = 0; any; ++depth) {
    any = false;
    for (std::size_t i = 0; i < phrases.size(); ++i) {
      if (depth >= phrases[i].size()) continue;
      any = true;
      const auto byte = static_cast<unsigned char>(phrases[i][depth]);
      const std::uint32_t parent = at[i];
      const std::uint32_t child = children_.at(edge(parent, byte));
      Node& node = nodes_[child];
      node.fallback = parent == 0 ? 0 : next(nodes_[parent].fallback, byte);
      node.match = std::max(node.match, nodes_[node.fallback].match);
      at[i] = child;
    }
  }
}

Phrases::State Phrases::next(State state, unsigned char byte) const {
  for (;;) {
    if (const auto child = children_.find(edge(state, byte)); child != children_.end()) return child->second;
    if (state == 0) return 0;
    state = nodes_[state].fallback;
  }
}

}  // namespace continuo
