// Constraints of requests as grammars. Each is made once and shared by all requests that say the same.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "grammar/constraint.h"
#include "grammar/grammar.h"
#include "text/tokenizer.h"

namespace continuo {

class Constraints {
 public:
  // `tokenizer` outlives it; null: the model has none.
  explicit Constraints(const Tokenizer* tokenizer) : tokenizer_(tokenizer) {}

  // By any thread. Null if there is nothing to constrain. Errors name the option and what is wrong with its
  // text.
  Result<std::shared_ptr<const Grammar>> find(const Constraint& constraint);

 private:
  static constexpr std::size_t kMost = 64;  // grammars that are kept, the newest

  const Tokenizer* tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<const TokenTrie> trie_;
  std::map<Constraint, std::shared_ptr<const Grammar>> known_;
  std::deque<Constraint> order_;
};

}  // namespace continuo
