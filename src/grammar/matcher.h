// Walks an automaton over texts. What can be said of a text is a set of configurations: a state, a stack of
// states to return to, and the members that the object at hand has. Such sets are made when they are met, and
// known by number from then on: for regular parts that is a deterministic automaton, built lazily.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/grammar.h"
#include "grammar/token_trie.h"

namespace continuo {

class Matcher {
 public:
  // Sets that have no configurations: no text comes to this; more of them would be needed than a set may have.
  static constexpr std::uint32_t kDead = 0, kTooLarge = 1;

  Matcher(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie);

  // Of the empty text.
  std::uint32_t start() const { return start_; }
  // All of these by any thread.
  std::uint32_t advance(std::uint32_t set, std::string_view bytes);
  bool may_end(std::uint32_t set);
  Grammar::Tokens allowed(std::uint32_t set);
  // Bytes that sets take, about.
  std::size_t memory();

 private:
  struct Configuration {
    std::uint32_t state, members, stack;  // members: of an object, index in members_
    bool operator==(const Configuration&) const = default;
    auto operator<=>(const Configuration&) const = default;
  };
  struct Frame {
    std::uint32_t state, members, below;
    bool operator==(const Frame&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Frame& frame) const;
    std::size_t operator()(const Configuration& c) const;
    std::size_t operator()(const std::vector<Configuration>& all) const;
    std::size_t operator()(const std::vector<std::uint64_t>& bits) const;
  };
  struct Set {
    const std::vector<Configuration>* configurations;  // a key of known_
    bool may_end = false;
    std::vector<std::uint32_t> next;  // by class of bytes; kUnknown: not met yet
    Grammar::Tokens tokens;
  };
  using Members = std::vector<std::uint64_t>;
  static constexpr std::uint32_t kUnknown = static_cast<std::uint32_t>(-1);

  std::uint32_t step(std::uint32_t set, std::uint8_t byte);
  std::uint32_t make_step(std::uint32_t set, std::uint8_t byte_class);
  std::uint32_t closed(std::vector<Configuration> work);
  void follow(const Configuration& at, std::vector<Configuration>& work, bool& may_end);
  void enter_object(const Configuration& at, std::vector<Configuration>& work);
  void call(RuleId rule, const Frame& back, std::vector<Configuration>& work);
  bool leads_on(std::uint32_t state) const { return automaton_->leads_to_end[state]; }
  std::uint32_t frame(const Frame& frame);
  std::uint32_t members(Members members);
  Grammar::Tokens walk(std::uint32_t set);
  void trim_tokens();

  std::shared_ptr<const Automaton> automaton_;
  std::shared_ptr<const TokenTrie> trie_;
  std::mutex mutex_;
  const std::vector<Configuration> none_;
  std::vector<Set> sets_;
  std::unordered_map<std::vector<Configuration>, std::uint32_t, Hash> known_;
  std::vector<Frame> frames_;  // 0: the bottom
  std::unordered_map<Frame, std::uint32_t, Hash> known_frames_;
  std::vector<const Members*> members_;  // 0: none
  std::unordered_map<Members, std::uint32_t, Hash> known_members_;
  std::size_t memory_ = 0, tokens_kept_ = 0;
  std::uint32_t start_ = kTooLarge;
};

}  // namespace continuo
