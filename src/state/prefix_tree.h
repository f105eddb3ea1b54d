// Which beginnings of texts are computed already, and the pages that hold them: a radix tree over token ids
// whose edges are pages (Zheng et al. 2023, "SGLang", arXiv:2312.07104; Kwon et al. 2023, "PagedAttention",
// arXiv:2309.06180).
//
// An edge holds kPageKeys tokens; one that holds fewer ends its branch. Whole pages are shared as they are.
// Of a page that agrees only at first, the beginning can be copied: what a position holds depends on the
// tokens up to it alone. A recurrent state goes on only where a copy of it was kept: at the end of an edge.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "base/types.h"
#include "state/sequence_state.h"

namespace continuo {

// Tokens that both texts begin with.
std::size_t common_beginning(std::span<const TokenId> a, std::span<const TokenId> b);

// What positions depend on besides the tokens up to them.
struct TextKind {
  std::size_t rope_length = 0;  // of the whole text, where it turns keys (see RopeScaling); 0: it does not
  std::size_t adapter = 0;      // which adapters take part (Model::adapters)
  std::size_t loops = 1;        // of networks that have them
  auto operator<=>(const TextKind&) const = default;
};

class PrefixTree {
 public:
  class Node;

  struct Found : KnownBeginning {
    std::vector<Node*> nodes;  // the root, then the whole pages'
    // Leaves out the partial page; then the last whole one.
    void leave_out_partial();
    void shorten();
  };

  PrefixTree();
  ~PrefixTree();

  // The longest known beginning of `tokens`; pages may be missing (see strip). Only texts of one kind share.
  Found find(TextKind kind, std::span<const TokenId> tokens);
  // The longest after which a recurrent state was kept.
  Found find_recurrent(TextKind kind, std::span<const TokenId> tokens);
  // Remembers that `tokens` (at most kPageKeys) after `node` are in `pages`; returns their node, which may
  // have been there before, with pages of the same content; those that it lacks it takes.
  Node* insert(Node* node, std::span<const TokenId> tokens, PageSet pages);

  // A pinned node stays. Pins are counted.
  void pin(Node* node);
  void unpin(Node* node);

  // Gives back the pages of `node` and of all that lead to it that nobody else holds: those of windowed
  // layers that its sequences have left behind. Returns how many.
  std::size_t strip(Node* node);
  // Forgets the page that has not been used for longest, of those that no other continues. False if there is
  // none.
  bool evict_one();

 private:
  Node* root(TextKind kind);
  Node* child_in_common(Node* node, std::span<const TokenId> tokens, std::size_t& common);
  Node* short_child(Node* node, std::span<const TokenId> tokens);
  void touch(Node* node);
  void update_evictable(Node* node);
  void erase(Node* node);

  std::map<TextKind, std::unique_ptr<Node>> roots_;
  std::set<std::pair<std::uint64_t, Node*>> evictable_;  // by last use
  std::uint64_t now_ = 0;
};

}  // namespace continuo
