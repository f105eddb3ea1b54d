#include "grammar/grammar.h"

#include <mutex>

#include "grammar/matcher.h"

namespace continuo {

struct Grammar::Shared {
  std::shared_ptr<const Automaton> automaton;
  std::shared_ptr<const TokenTrie> trie;
  std::mutex mutex;
  std::shared_ptr<Matcher> matcher;  // for texts that begin now
};

Grammar::Grammar(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie)
    : shared_(std::make_unique<Shared>()) {
  shared_->automaton = std::move(automaton);
  shared_->trie = std::move(trie);
}
Grammar::~Grammar() = default;

// A matcher that knows very much is left to the texts that use it.
Grammar::State Grammar::start() const {
  constexpr std::size_t kEnough = std::size_t{256} << 20;  // bytes
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->matcher || shared_->matcher->memory() > kEnough)
    shared_->matcher = std::make_shared<Matcher>(shared_->automaton, shared_->trie);
  return {shared_->matcher, shared_->matcher->start()};
}

Grammar::Tokens Grammar::allowed(const State& state) const { return state.matcher->allowed(state.id); }
bool Grammar::may_end(const State& state) const { return state.matcher->may_end(state.id); }
Grammar::State Grammar::advance(const State& state, std::string_view bytes) const {
  return {state.matcher, state.matcher->advance(state.id, bytes)};
}
std::string_view Grammar::bytes(TokenId token) const { return shared_->trie->bytes(token); }

}  // namespace continuo
