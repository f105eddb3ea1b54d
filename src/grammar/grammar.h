// What a text has to be, as a set of tokens that may come next: an automaton over bytes (automaton.h), walked
// over the vocabulary's trie. Its states are made when they are met, and kept with the tokens that they
// allow.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace continuo {

class TokenTrie;
struct Automaton;
class Matcher;

class Grammar {
 public:
  // Where a text stands.
  struct State {
    std::shared_ptr<Matcher> matcher;  // null: no text comes to this
    std::uint32_t id = 0;
  };
  using Tokens = std::shared_ptr<const std::vector<std::uint64_t>>;  // a bit a token id

  Grammar(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie);
  ~Grammar();

  // All of these by any thread.
  State start() const;
  // Those after which the text can still become what it has to be; tokens without bytes never. Null: more
  // memory is needed than a grammar may take.
  Tokens allowed(const State& state) const;
  // Whether the text is what it has to be.
  bool may_end(const State& state) const;
  State advance(const State& state, std::string_view bytes) const;
  std::string_view bytes(TokenId token) const;

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace continuo
