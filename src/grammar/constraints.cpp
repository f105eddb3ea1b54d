#include "grammar/constraints.h"

#include <algorithm>

#include "grammar/readers.h"
#include "grammar/token_trie.h"

namespace continuo {

namespace {

std::string_view field_of(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::choice:
      return "choice";
    case ConstraintKind::regex:
      return "regex";
    case ConstraintKind::json:
      return "json_schema";
    default:
      return "grammar";
  }
}

Result<RuleId> read(const Constraint& constraint, Syntax& syntax) {
  switch (constraint.kind) {
    case ConstraintKind::choice:
      return read_choices(constraint.texts, syntax);
    case ConstraintKind::regex:
      return read_regex(constraint.texts.front(), syntax);
    case ConstraintKind::json:
      return read_json_schema(constraint.texts.front(), syntax);
    default:
      return read_gbnf(constraint.texts.front(), syntax);
  }
}

}  // namespace

Result<std::shared_ptr<const Automaton>> read_constraint(const Constraint& constraint) {
  const auto made = [&]() -> Result<std::shared_ptr<const Automaton>> {
    if (constraint.texts.empty()) return usage_error("names nothing, expected at least one text");
    for (const std::string& text : constraint.texts) {
      if (text.size() > kMostConstraintBytes) return usage_error("is longer than 16 MiB");
    }
    Syntax syntax;
    CONTINUO_TRY(const RuleId root, read(constraint, syntax));
    return make_automaton(syntax, root);
  }();
  if (made) return made;
  Error error = made.error();
  error.field = field_of(constraint.kind);
  return error;
}

Result<std::shared_ptr<const Grammar>> Constraints::find(const Constraint& constraint) {
  if (constraint.kind == ConstraintKind::none) return std::shared_ptr<const Grammar>();
  if (!tokenizer_) return field_error(field_of(constraint.kind), "needs a tokenizer", "the model has none");
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(constraint); known != known_.end()) return known->second;
  }
  CONTINUO_TRY(auto automaton, read_constraint(constraint));
  const std::lock_guard lock(mutex_);
  if (!trie_) trie_ = std::make_shared<const TokenTrie>(*tokenizer_);
  auto grammar = std::make_shared<const Grammar>(std::move(automaton), trie_);
  if (order_.size() == kMost) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  if (known_.try_emplace(constraint, grammar).second) order_.push_back(constraint);
  return grammar;
}

}  // namespace continuo
