// A context-free grammar over bytes, as the readers of regular expressions, JSON schemas and GBNF make it.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
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
  NodeId other;  // a member that is none of these, any number of times; Syntax::never(): there are none
  NodeId open, comma, close;
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
  // One character of the set in UTF-8; in JSON: as it stands in a string, with one spelling for each.
  NodeId chars(const CharSet& set, bool in_json);

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

 private:
  NodeId add(Node node);
  NodeId list(NodeKind kind, const std::vector<NodeId>& parts);

  std::vector<Node> nodes_;
  std::vector<NodeId> lists_;
  std::vector<Count> counts_;
  std::vector<Rule> rules_;
  std::vector<ObjectSyntax> objects_;
  std::vector<ByteSet> sets_;
  std::map<std::string, NodeId> set_nodes_;  // by the set's bits
  std::map<std::pair<CharSet, bool>, NodeId> chars_;
  bool full_ = false;
};

}  // namespace continuo
