// Texts that several regular nodes of a syntax take, and others do not: as one deterministic automaton.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "grammar/syntax.h"

namespace continuo {

// Nodes without objects, whose rules do not call themselves.
struct RegularSets {
  std::vector<NodeId> all_of;  // at least one
  std::vector<NodeId> none_of;
};

// What may still be spent on all of a constraint's sets together, so that many small ones take no longer than a large
// one.
struct RegularBudget {
  std::size_t steps = 40'000'000;
};

// Nothing if no text is left. Errors: it takes too many states, or all of them together do.
Result<std::optional<NodeId>> combine(Syntax& syntax, const RegularSets& sets, RegularBudget& budget);
// The same without making it: whether a text is left.
Result<bool> has_text(Syntax& syntax, const RegularSets& sets, RegularBudget& budget);

// Says of many texts whether a node takes them. `syntax` outlives it.
class Recognizer {
 public:
  static Result<std::unique_ptr<Recognizer>> make(const Syntax& syntax, NodeId node);
  virtual ~Recognizer() = default;
  virtual bool takes(std::string_view text) = 0;
};

}  // namespace continuo
