// Finds phrases in text that comes byte by byte. Aho & Corasick 1975, "Efficient string matching": work is
// linear in the text, however many phrases there are.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace continuo {

class Phrases {
 public:
  // A state stands for a beginning of some phrase: the longest one that the text ends with. 0: the empty one.
  using State = std::uint32_t;

  // None of them may be empty.
  explicit Phrases(const std::vector<std::string>& phrases);

  bool empty() const { return children_.empty(); }
  State next(State state, unsigned char byte) const;
  // Bytes of that beginning.
  std::size_t depth(State state) const { return nodes_[state].depth; }
  // Bytes of the longest phrase that the text ends with; 0: none.
  std::size_t match(State state) const { return nodes_[state].match; }

 private:
  struct Node {
    std::uint32_t depth = 0;
    std::uint32_t fallback = 0;  // the state of its longest proper ending that begins a phrase
    std::uint32_t match = 0;
  };
  State add_child(State state, unsigned char byte);
  void link_fallbacks(const std::vector<std::string>& phrases);

  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, State> children_;  // by state * 256 + byte
};

}  // namespace continuo
