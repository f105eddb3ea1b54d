#include <algorithm>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

std::vector<Figure> draw_tree(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  if (r.tree.empty()) return {Paragraph{words("tree.absent"), Paragraph::Kind::absent}};
  TreeFigure figure{.caption = words("tree.caption"), .root = token_labels(r).back(), .nodes = {}};
  for (const TreeNode& node : r.tree) {
    figure.nodes.push_back({.label = name(r, node.id),
                            .shown = fmt::format("{} ({})", percent(node.probability), percent(node.path)),
                            .probability = node.probability,
                            .parent = node.parent});
  }
  // The likeliest path among those that were followed to a leaf.
  const auto leaf = std::max_element(r.tree.begin(), r.tree.end(), [](const TreeNode& a, const TreeNode& b) {
    return (a.expanded ? -1 : a.path) < (b.expanded ? -1 : b.path);
  });
  std::string path;
  for (const TreeNode* node = &*leaf; node; node = node->parent ? &r.tree[*node->parent] : nullptr)
    path = name(r, node->id) + path;
  return {Paragraph{words("tree.finding", path, percent(leaf->path)), Paragraph::Kind::finding}, std::move(figure)};
}

}  // namespace continuo::explain
