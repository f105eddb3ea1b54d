#include "explain/tree.h"

#include <algorithm>

namespace continuo::explain {

namespace {

void add_children(std::span<const float> logits, std::optional<std::size_t> parent, std::vector<TreeNode>& tree) {
  const double path = parent ? tree[*parent].path : 1;
  for (const Guess& guess : best_guesses(logits, kTreeBreadth)) {
    tree.push_back({guess.id, guess.probability, path * double(guess.probability), parent, false});
  }
}

std::vector<TokenId> path_to(const std::vector<TreeNode>& tree, std::size_t node) {
  std::vector<TokenId> path;
  for (std::optional<std::size_t> at = node; at; at = tree[*at].parent) path.push_back(tree[*at].id);
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace

Result<void> grow_tree(const TextRun& run, Recording& r, const std::atomic<bool>& interrupted) {
  const auto ends = [&](const TreeNode& node) {
    const auto& eos = run.spec.eos_tokens;
    return std::find(eos.begin(), eos.end(), node.id) != eos.end();
  };
  const auto deepest = [&](std::size_t node) { return r.to + path_to(r.tree, node).size(); };
  add_children({&r.logits.at(r.rows() - 1, 0), r.vocab_size}, {}, r.tree);
  for (std::size_t i = 0; i < kTreeExpansions; ++i) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    std::optional<std::size_t> best;
    for (std::size_t node = 0; node < r.tree.size(); ++node) {
      const TreeNode& one = r.tree[node];
      if (one.expanded || ends(one) || deepest(node) > run.state.capacity()) continue;
      if (!best || one.path > r.tree[*best].path) best = node;
    }
    if (!best) return {};
    const auto path = path_to(r.tree, *best);
    go_back(run, r.to);
    const Segment segment{&run.state, path, 1};
    const auto logits = run.forward(std::span(&segment, 1));
    r.tree[*best].expanded = true;
    add_children(logits, best, r.tree);
  }
  return {};
}

}  // namespace continuo::explain
