// Strings and their values, found by walking along a text byte by byte: which of them begin here?
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace continuo {

// A trie whose edges live in one open-addressing table, (node, byte) -> child: it is built in linear time,
// and a step is one look-up.
class ByteTrie {
 public:
  struct Match {
    std::size_t size;
    std::int32_t value;
  };

  // Bounds the time to look a text up: its size times this.
  static constexpr std::size_t kLongestKey = 1024;

  // Adds a key, or gives it a new value (not negative). False if it is longer than kLongestKey, or if there is no room:
  // at most 2^24 nodes, and edges that were not chosen to collide.
  bool add(std::string_view key, std::int32_t value);
  bool empty() const { return values_.size() == 1; }

  // Calls visit(Match) for every key that `text` begins with, the shortest first.
  template <class Visit>
  void each_prefix(std::string_view text, Visit visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == kNone) return;
      if (values_[node] >= 0) visit(Match{i + 1, values_[node]});
    }
  }
  std::optional<Match> longest_prefix(std::string_view text) const;

 private:
  static constexpr std::uint32_t kNone = 0;  // the root is nobody's child
  static constexpr std::uint32_t kMaxNodes = 1 << 24;
  struct Edge {
    std::uint32_t from = 0;  // node << 8 | byte
    std::uint32_t to = kNone;
  };

  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    if (node == 0) return root_[byte];
    const std::uint32_t from = node << 8 | byte;
    for (std::size_t i = place(from);; i = (i + 1) & mask_) {
      if (edges_[i].to == kNone || edges_[i].from == from) return edges_[i].to;
    }
  }
  std::size_t place(std::uint32_t from) const {
    return static_cast<std::size_t>(from * std::uint64_t{0x9e3779b97f4a7c15u} >> shift_);
  }
  std::uint32_t add_child(std::uint32_t node, unsigned char byte);
  bool insert(Edge edge);
  bool grow();

  std::array<std::uint32_t, 256> root_{};
  std::vector<std::int32_t> values_ = std::vector<std::int32_t>(1, -1);  // by node; -1: no key ends there
  std::vector<Edge> edges_ = std::vector<Edge>(16);                      // a power of two, never full
  std::size_t mask_ = 15, used_ = 0;
  unsigned shift_ = 60;
};

}  // namespace continuo
