// A grammar as a pushdown automaton over bytes: states of rules, which call rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "grammar/syntax.h"

namespace continuo {

enum class StateOp : std::uint8_t {
  bytes,         // a byte of the set `a`, then the state `b`
  split,         // the state `a` or the state `b`, without a byte
  plain,         // the state `a`, without a byte; up to `b` plain characters (syntax.h) go on from here
  call,          // the rule `a`, then the state `b`
  end,           // of its rule
  object_first,  // `objects[a]`: the first member, or its end
  object_next,   // the same behind a member
  object_key,    // the same behind a comma
};

struct AutomatonState {
  StateOp kind;
  std::uint32_t a, b;
};

struct Automaton {
  struct Object {
    std::vector<RuleId> members;
    std::vector<std::uint32_t> required;  // indices of members
    std::vector<RuleId> others;
    std::uint32_t least, most;         // members
    std::uint32_t comma, close, next;  // states: a comma and then a member; the end; behind a member
  };
  // Copies of a part that takes one plain character, of which any number may be left out: the states from `first` to
  // before `last`, `stride` a copy, the one that comes last in a text first.
  struct Copies {
    std::uint32_t first, last, stride;
  };
  static constexpr RuleId kNoRule = static_cast<RuleId>(-1);

  std::vector<AutomatonState> states;
  std::vector<std::uint32_t> rule_starts;
  std::vector<Object> objects;
  std::vector<Copies> copies;  // ascending
  RuleId root = 0;
  std::array<std::uint8_t, 256> byte_class{};  // bytes that no set tells apart
  std::size_t classes = 1;
  std::vector<ByteSet> sets;       // of classes
  std::vector<bool> leads_to_end;  // by state: some text goes on from there to the end of its rule
};

// Errors: too large, left recursion, nothing matches.
Result<std::shared_ptr<const Automaton>> make_automaton(const Syntax& syntax, RuleId root);

}  // namespace continuo
