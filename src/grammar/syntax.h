// A context-free grammar over bytes, as the readers of regular expressions, JSON schemas and GBNF make it.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/char_set.h"

namespace continuo {

using ByteSet = std::bitset<256>;
using NodeId = std::uint32_t;
using RuleId = std::uint32_t;

enum class NodeKind : std::uint8_t {
  bytes,   // one byte of the set `a`
  seq,     // `b` children from `a` on in `lists`, one behind the other
  alt,     // one of them; of none: nothing matches
  repeat,  // the child `a` as often as `counts[b]` says
  rule,    // what the rule `a` says
  object,  // `objects[a]`
  dfa,     // a text that `dfas[a]` takes
  plain,   // the child `a`, of which is known that any plain text goes on from its beginning
};

struct Node {
  NodeKind kind;
  std::uint32_t a, b;
};

struct Count {
  std::uint32_t least, most;  // kUnbounded: any number
};
inline constexpr std::uint32_t kUnbounded = std::numeric_limits<std::uint32_t>::max();

// A JSON object: members in any order, each at most once.
struct ObjectSyntax {
  struct Member {
    NodeId content;  // key, colon and value
    bool required;
  };
  std::vector<Member> members;
  std::vector<NodeId> others;  // members that are none of these, any number of times
  std::uint32_t least = 0,
                most = kUnbounded;  // members; as two others may have one key, all others count as one for `least`
  NodeId open = 0, comma = 0, close = 0;
};

// A deterministic automaton over bytes that begins in its first state.
struct Dfa {
  struct Edge {
    std::uint32_t set, target;  // a set of bytes: of Syntax::sets()
  };
  struct State {
    std::vector<Edge> edges;
    bool accepts = false;
  };
  std::vector<State> states;
};

class Syntax {
 public:
  // What is larger is no use to anybody: full() then, and what is made is nonsense.
  static constexpr std::size_t kMostNodes = 4'000'000;
  bool full() const { return full_; }

  NodeId empty() { return seq({}); }
  NodeId never() { return alt({}); }
  NodeId bytes(const ByteSet& set);
  NodeId byte(unsigned char value) { return bytes(ByteSet().set(value)); }
  NodeId literal(std::string_view text);
  NodeId seq(const std::vector<NodeId>& parts);
  NodeId alt(const std::vector<NodeId>& choices);
  NodeId repeat(NodeId child, std::uint32_t least, std::uint32_t most);
  NodeId optional(NodeId child) { return repeat(child, 0, 1); }
  NodeId rule(RuleId id) { return add({NodeKind::rule, id, 0}); }
  NodeId object(ObjectSyntax object);
  NodeId dfa(Dfa dfa);
  // `child`, of which the caller knows that any plain text goes on from its beginning: characters that stand for
  // themselves in a JSON string.
  NodeId plain(NodeId child) { return add({NodeKind::plain, child, 0}); }
  // One character of the set in UTF-8; in JSON: as it stands in a string, with one spelling for each.
  NodeId chars(const CharSet& set, bool in_json);
  // One character of a JSON string, in any of its spellings.
  NodeId json_char();
  // Whether the node is one character, which may be any plain one.
  bool takes_plain(NodeId id) const { return plain_chars_.count(id) > 0; }
  std::uint32_t set_id(const ByteSet& set) { return nodes_[bytes(set)].a; }

  // `name` is for errors. Its body comes later.
  RuleId new_rule(std::string name);
  void set_rule(RuleId id, NodeId body) { rules_[id].body = body; }

  struct Rule {
    std::string name;
    NodeId body;
  };
  const Node& node(NodeId id) const { return nodes_[id]; }
  NodeId child(const Node& list, std::uint32_t i) const { return lists_[list.a + i]; }
  const Count& count(std::uint32_t i) const { return counts_[i]; }
  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<ObjectSyntax>& objects() const { return objects_; }
  const std::vector<ByteSet>& sets() const { return sets_; }
  const std::vector<Dfa>& dfas() const { return dfas_; }

 private:
  NodeId add(Node node);
  NodeId list(NodeKind kind, const std::vector<NodeId>& parts);

  std::vector<Node> nodes_;
  std::vector<NodeId> lists_;
  std::vector<Count> counts_;
  std::vector<Rule> rules_;
  std::vector<ObjectSyntax> objects_;
  std::vector<ByteSet> sets_;
  std::unordered_map<ByteSet, NodeId> set_nodes_;
  std::map<std::pair<CharSet, bool>, NodeId> chars_;
  std::vector<Dfa> dfas_;
  std::size_t dfa_states_ = 0;
  std::set<NodeId> plain_chars_;
  NodeId json_char_ = 0;  // 0: not made yet; the node 0 is another one
  bool full_ = false;
};

}  // namespace continuo
