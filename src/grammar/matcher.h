// Walks an automaton over texts. What can be said of a text is a set of configurations: a state, a stack of
// states to return to, and the members that the object at hand has. Such sets are made when they are met, and
// known by number from then on: for regular parts that is a deterministic automaton, built lazily.
//
// The tokens that a set allows are found by walking the vocabulary's trie, in parts: configurations that return to the
// same place are a part, and what a part allows before it returns depends on nothing outside it. That is kept by part;
// only tokens in whose midst a part ends are walked on from there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/grammar.h"
#include "grammar/shared_masks.h"
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
    std::size_t operator()(const std::pair<std::uint32_t, std::uint32_t>& pair) const;
  };
  struct Set {
    const std::vector<Configuration>* configurations;  // a key of known_; the last may be the marks of the set
    bool may_end = false;
    std::uint32_t plain = 0;  // characters of plain text that go on from here, at least
    Grammar::Tokens tokens;
  };
  struct Met {
    Configuration configuration;
    std::uint32_t round = 0;
  };
  using Members = std::vector<std::uint64_t>;  // the number of others, then bits
  struct Visit {
    std::uint32_t node, set;
  };
  static constexpr std::uint32_t kUnknown = static_cast<std::uint32_t>(-1);

  // ---- sets (matcher.cpp) ----
  std::uint32_t step(std::uint32_t set, std::uint8_t byte) {
    const std::uint8_t byte_class = automaton_->byte_class[byte];
    const std::uint32_t next = next_[set * automaton_->classes + byte_class];
    return next != kUnknown ? next : make_step(set, byte_class);
  }
  std::uint32_t make_step(std::uint32_t set, std::uint8_t byte_class);
  std::uint32_t closed(std::vector<Configuration> work);
  std::uint32_t intern(std::vector<Configuration> kept, bool may_end, std::uint32_t plain);
  bool meet(const Configuration& at);
  Met& met_place(const Configuration& at);
  void follow(const Configuration& at, std::vector<Configuration>& work, bool& may_end);
  void enter_object(const Configuration& at, std::vector<Configuration>& work);
  void call(RuleId rule, const Frame& back, std::vector<Configuration>& work);
  bool leads_on(std::uint32_t state) const { return automaton_->leads_to_end[state]; }
  std::uint32_t frame(const Frame& frame);
  std::uint32_t members(Members members);

  // ---- tokens (matcher_tokens.cpp) ----
  // Which tokens are walked: those beside the plain ones (kUnbounded), all but plain ones of up to so many characters.
  using Beside = std::uint32_t;
  const ByteTrie& trie_of(Beside beside) const { return trie_->beside_plain(beside); }
  std::shared_ptr<TokenBits> find_tokens(std::uint32_t set);
  // Among copies (automaton.h) a part allows the same as long as none of what it walks comes to the last of them.
  struct Copied {
    const Automaton::Copies* copies;
    std::uint32_t index;                 // of the copy that the part is in
    std::vector<Configuration> as_last;  // the part, as it would be in the last copy
  };
  struct CopiedMask {
    std::uint32_t least;  // the copies from this one on have the mask
    SharedMasks::Ref mask;
  };
  SharedMasks::Ref part_mask(std::uint32_t part, Beside beside);
  SharedMasks::Ref copied_mask(std::uint32_t part, const Copied& copied);
  std::optional<Copied> copied(std::uint32_t part, std::uint32_t plain) const;
  const Automaton::Copies* copies_of(std::uint32_t state) const;
  std::uint32_t lowest_copy(std::uint32_t set, const Automaton::Copies& copies) const;
  // `lowest`, if not null: the lowest of the copies that any set on the way is in.
  SharedMasks::Ref walk_part(std::uint32_t part, Beside beside, const Automaton::Copies* copies = nullptr,
                             std::uint32_t* lowest = nullptr);
  bool takes_many_bytes(std::uint32_t part) const;
  std::optional<std::string> describe(std::uint32_t part, Beside beside) const;
  bool walk_on(const std::vector<std::uint32_t>& exits, std::uint32_t set, Beside beside, TokenBits& bits);
  void trim_tokens();

  std::shared_ptr<const Automaton> automaton_;
  std::shared_ptr<const TokenTrie> trie_;
  std::mutex mutex_;
  const std::vector<Configuration> none_;
  std::vector<Set> sets_;
  std::vector<std::uint32_t> next_;  // by set and class of bytes; kUnknown: not met yet
  std::unordered_map<std::vector<Configuration>, std::uint32_t, Hash> known_;
  std::vector<Frame> frames_;  // 0: the bottom
  std::unordered_map<Frame, std::uint32_t, Hash> known_frames_;
  std::vector<const Members*> members_;  // 0: none
  std::unordered_map<Members, std::uint32_t, Hash> known_members_;
  std::unordered_map<std::pair<std::uint32_t, std::uint32_t>, SharedMasks::Ref, Hash> parts_;  // by part and Beside
  std::unordered_map<std::vector<Configuration>, CopiedMask, Hash> copied_;
  std::unordered_map<std::uint32_t, std::uint32_t> returns_;  // the set behind a frame
  std::vector<Met> met_;  // what a round of closed() has met: a table of which at most half is used
  std::uint32_t round_ = 0;
  std::size_t met_in_round_ = 0;
  std::vector<std::uint16_t> set_sizes_;  // bytes, by set of the automaton
  std::size_t memory_ = 0, tokens_kept_ = 0;
  std::uint32_t start_ = kTooLarge;
};

}  // namespace continuo
