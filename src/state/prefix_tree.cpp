#include "state/prefix_tree.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace continuo {

namespace {

using Tokens = std::span<const TokenId>;

bool before(Tokens a, Tokens b) { return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

std::size_t common_beginning(Tokens a, Tokens b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

class PrefixTree::Node {
 public:
  struct Before {
    using is_transparent = void;
    bool operator()(const std::unique_ptr<Node>& a, const std::unique_ptr<Node>& b) const {
      return before(a->tokens, b->tokens);
    }
    bool operator()(const std::unique_ptr<Node>& a, Tokens b) const { return before(a->tokens, b); }
    bool operator()(Tokens a, const std::unique_ptr<Node>& b) const { return before(a, b->tokens); }
  };

  Node* parent = nullptr;
  std::vector<TokenId> tokens;
  PageSet pages;
  std::set<std::unique_ptr<Node>, Before> children;  // in lexicographic order: neighbours have most in common
  std::size_t pins = 0;
  std::uint64_t last_use = 0;
  bool evictable = false;  // stands in evictable_
};

PrefixTree::PrefixTree() = default;
PrefixTree::~PrefixTree() {
  while (evict_one()) {  // leaves first: destroying a long branch from its root would recurse as deep
  }
}

void PrefixTree::Found::leave_out_partial() {
  partial = nullptr;
  partial_tokens = 0;
}

void PrefixTree::Found::shorten() {
  if (partial) return leave_out_partial();
  whole.pop_back();
  nodes.pop_back();
}

// The child that has most tokens in common with `tokens`, and how many.
PrefixTree::Node* PrefixTree::child_in_common(Node* node, Tokens tokens, std::size_t& common) {
  const Tokens edge = tokens.first(std::min(tokens.size(), kPageKeys));
  Node* best = nullptr;
  common = 0;
  const auto look = [&](Node* child) {
    const std::size_t n = common_beginning(child->tokens, edge);
    if (n > common) {
      common = n;
      best = child;
    }
  };
  const auto at = node->children.lower_bound(edge);
  if (at != node->children.end()) look(at->get());
  if (at != node->children.begin()) look(std::prev(at)->get());
  return best;
}

PrefixTree::Node* PrefixTree::root(TextKind kind) {
  std::unique_ptr<Node>& root = roots_[kind];
  if (!root) root = std::make_unique<Node>();
  return root.get();
}

PrefixTree::Found PrefixTree::find(TextKind kind, Tokens tokens) {
  Found found;
  found.nodes = {root(kind)};
  for (;;) {
    std::size_t common = 0;
    Node* child = child_in_common(found.nodes.back(), tokens, common);
    if (!child) break;
    if (common < kPageKeys) {
      found.partial = &child->pages;
      found.partial_tokens = common;
      touch(child);
      return found;
    }
    found.nodes.push_back(child);
    found.whole.push_back(&child->pages);
    tokens = tokens.subspan(kPageKeys);
  }
  touch(found.nodes.back());
  return found;
}

// The child of the most tokens, fewer than a page, that `tokens` begin with and after which a recurrent state was kept;
// null if there is none.
PrefixTree::Node* PrefixTree::short_child(Node* node, Tokens tokens) {
  for (std::size_t n = std::min(tokens.size(), kPageKeys - 1); n > 0 && !node->children.empty(); --n) {
    const auto at = node->children.find(tokens.first(n));
    if (at != node->children.end() && (*at)->pages.recurrent) return at->get();
  }
  return nullptr;
}

PrefixTree::Found PrefixTree::find_recurrent(TextKind kind, Tokens tokens) {
  Found found = find(kind, tokens);
  found.leave_out_partial();
  for (;; found.shorten()) {
    if (Node* const child = short_child(found.nodes.back(), tokens.subspan(found.tokens()))) {
      found.partial = &child->pages;
      found.partial_tokens = child->tokens.size();
      touch(child);
      return found;
    }
    if (found.whole.empty() || found.whole.back()->recurrent) return found;
  }
}

PrefixTree::Node* PrefixTree::insert(Node* node, Tokens tokens, PageSet pages) {
  CONTINUO_CHECK(!tokens.empty() && tokens.size() <= kPageKeys, "an edge of the prefix tree is a page");
  auto at = node->children.lower_bound(tokens);
  if (at != node->children.end() && common_beginning((*at)->tokens, tokens) == tokens.size()) {
    Node* const there = at->get();  // the same, or one that goes on
    if (there->tokens.size() == tokens.size()) {
      for (std::size_t i = 0; i < pages.kv.size(); ++i) {
        if (!there->pages.kv[i]) there->pages.kv[i] = std::move(pages.kv[i]);
      }
      if (!there->pages.recurrent) there->pages.recurrent = std::move(pages.recurrent);
    }
    if (there->tokens.size() == tokens.size() || !pages.recurrent) {
      touch(there);
      return there;
    }
  }
  if (at != node->children.begin()) {  // one that ends earlier has become part of this, but for a state at its end
    Node* shorter = std::prev(at)->get();
    const bool is_beginning = common_beginning(shorter->tokens, tokens) == shorter->tokens.size();
    if (is_beginning && shorter->children.empty() && shorter->pins == 0 && !shorter->pages.recurrent) erase(shorter);
  }
  auto made = std::make_unique<Node>();
  Node* const child = made.get();
  child->parent = node;
  child->tokens.assign(tokens.begin(), tokens.end());
  child->pages = std::move(pages);
  node->children.insert(std::move(made));
  touch(child);
  return child;
}

void PrefixTree::pin(Node* node) {
  ++node->pins;
  update_evictable(node);
}

void PrefixTree::unpin(Node* node) {
  --node->pins;
  touch(node);
}

// What leads to a page is used with it.
void PrefixTree::touch(Node* node) {
  ++now_;
  for (; node; node = node->parent) {
    if (node->evictable) evictable_.erase({node->last_use, node});
    node->evictable = false;
    node->last_use = now_;
    update_evictable(node);
  }
}

void PrefixTree::update_evictable(Node* node) {
  const bool evictable = node->parent && node->children.empty() && node->pins == 0;
  if (evictable == node->evictable) return;
  node->evictable = evictable;
  if (evictable) {
    evictable_.insert({node->last_use, node});
  } else {
    evictable_.erase({node->last_use, node});
  }
}

void PrefixTree::erase(Node* node) {
  if (node->evictable) evictable_.erase({node->last_use, node});
  Node* const parent = node->parent;
  const auto at = parent->children.find(Tokens(node->tokens));
  parent->children.erase(at);
  update_evictable(parent);
}

std::size_t PrefixTree::strip(Node* node) {
  std::size_t pages = 0;
  for (; node; node = node->parent) {
    const auto give_back = [&](PageRef& page) {
      if (page.holders() != 1) return;
      page = {};
      ++pages;
    };
    for (PageRef& page : node->pages.kv) give_back(page);
    give_back(node->pages.recurrent);
  }
  return pages;
}

bool PrefixTree::evict_one() {
  if (evictable_.empty()) return false;
  erase(evictable_.begin()->second);
  return true;
}

}  // namespace continuo
