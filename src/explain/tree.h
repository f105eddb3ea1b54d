// Continuations as a tree: the likeliest next tokens, and what would follow each.
#pragma once

#include <atomic>

#include "base/error.h"
#include "explain/continuations.h"

namespace continuo::explain {

// Children of a node, and nodes whose children are computed: always those of the likeliest path that has none yet.
inline constexpr std::size_t kTreeBreadth = 3, kTreeExpansions = 16;

Result<void> grow_tree(const TextRun& run, Recording& recording, const std::atomic<bool>& interrupted);

}  // namespace continuo::explain
