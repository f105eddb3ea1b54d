#include "grammar/automaton.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo {

namespace {

constexpr std::size_t kMostStates = 2'000'000;

// ---- from the syntax ----

// States are made from the end on: compile(node, next) is where the node begins if `next` comes behind it.
class Compiler {
 public:
  Compiler(const Syntax& syntax, Automaton& automaton) : syntax_(syntax), out_(automaton) {}

  bool full() const { return full_; }

  void compile_rules() {
    out_.rule_starts.resize(syntax_.rules().size());
    for (RuleId rule = 0; rule < syntax_.rules().size() && !full_; ++rule)
      out_.rule_starts[rule] = compile(syntax_.rules()[rule].body, add(StateOp::end, 0, 0));
  }

 private:
  std::uint32_t add(StateOp kind, std::uint32_t a, std::uint32_t b) {
    if (out_.states.size() >= kMostStates) {
      full_ = true;
      return 0;
    }
    out_.states.push_back({kind, a, b});
    return static_cast<std::uint32_t>(out_.states.size() - 1);
  }
  RuleId add_rule(NodeId body) {
    const auto rule = static_cast<RuleId>(out_.rule_starts.size());
    out_.rule_starts.push_back(0);
    const std::uint32_t start = compile(body, add(StateOp::end, 0, 0));
    out_.rule_starts[rule] = start;
    return rule;
  }

  std::uint32_t compile(NodeId id, std::uint32_t next) {
    if (full_) return 0;
    const Node node = syntax_.node(id);
    switch (node.kind) {
      case NodeKind::bytes:
        return add(StateOp::bytes, node.a, next);
      case NodeKind::seq:
        for (std::uint32_t i = node.b; i > 0; --i) next = compile(syntax_.child(node, i - 1), next);
        return next;
      case NodeKind::alt:
        return compile_alt(node, next);
      case NodeKind::repeat:
        return compile_repeat(node, next);
      case NodeKind::rule:
        return add(StateOp::call, node.a, next);
      case NodeKind::object:
        return add(StateOp::call, compile_object(node.a), next);
      case NodeKind::dfa:
        return compile_dfa(syntax_.dfas()[node.a], next);
      case NodeKind::plain:
        return add(StateOp::plain, compile(node.a, next), kUnbounded);
    }
    return next;
  }

  std::uint32_t compile_alt(const Node& node, std::uint32_t next) {
    if (node.b == 0) {  // nothing matches: a split that leads nowhere else
      const std::uint32_t dead = add(StateOp::split, 0, 0);
      out_.states[dead].a = out_.states[dead].b = dead;
      return dead;
    }
    std::uint32_t start = compile(syntax_.child(node, node.b - 1), next);
    for (std::uint32_t i = node.b - 1; i > 0 && !full_; --i)
      start = add(StateOp::split, compile(syntax_.child(node, i - 1), next), start);
    return start;
  }

  std::uint32_t compile_repeat(const Node& node, std::uint32_t next) {
    const Count& count = syntax_.count(node.b);
    const bool plain = syntax_.takes_plain(node.a);
    const auto marked = [&](std::uint32_t state, std::uint32_t run) {
      return plain ? add(StateOp::plain, state, run) : state;
    };
    std::uint32_t start = next, further = 0;  // repetitions from `start` on
    if (count.most == kUnbounded) {
      const std::uint32_t loop = add(StateOp::split, 0, next);
      start = marked(loop, kUnbounded);
      const std::uint32_t body = compile(node.a, start);
      if (full_) return 0;
      out_.states[loop].a = body;
      further = kUnbounded;
    } else {
      const auto first = static_cast<std::uint32_t>(out_.states.size());
      for (std::uint32_t i = count.least; i < count.most && !full_; ++i)
        start = marked(add(StateOp::split, compile(node.a, start), next), ++further);
      const auto last = static_cast<std::uint32_t>(out_.states.size());
      if (plain && further > 1 && !full_) out_.copies.push_back({first, last, (last - first) / further});
    }
    for (std::uint32_t i = 0; i < count.least && !full_; ++i)
      start = marked(compile(node.a, start), further == kUnbounded ? kUnbounded : ++further);
    return start;
  }

  std::uint32_t compile_dfa(const Dfa& dfa, std::uint32_t next) {
    std::vector<std::uint32_t> heads;
    for (std::size_t i = 0; i < dfa.states.size(); ++i) heads.push_back(add(StateOp::split, 0, 0));
    for (std::size_t i = 0; i < dfa.states.size() && !full_; ++i) {
      std::uint32_t at = dfa.states[i].accepts ? next : heads[i];
      for (const Dfa::Edge& edge : dfa.states[i].edges) {
        const std::uint32_t move = add(StateOp::bytes, edge.set, heads[edge.target]);
        at = at == heads[i] ? move : add(StateOp::split, move, at);
      }
      if (!full_) out_.states[heads[i]] = {StateOp::split, at, at};
    }
    return full_ ? 0 : heads.front();
  }

  RuleId compile_object(std::uint32_t index) {
    const ObjectSyntax& syntax = syntax_.objects()[index];
    const auto at = static_cast<std::uint32_t>(out_.objects.size());
    out_.objects.emplace_back();
    Automaton::Object object;
    for (std::uint32_t i = 0; i < syntax.members.size() && !full_; ++i) {
      object.members.push_back(add_rule(syntax.members[i].content));
      if (syntax.members[i].required) object.required.push_back(i);
    }
    for (const NodeId other : syntax.others) object.others.push_back(add_rule(other));
    object.least = syntax.least;
    object.most = syntax.most;
    object.close = compile(syntax.close, add(StateOp::end, 0, 0));
    object.comma = compile(syntax.comma, add(StateOp::object_key, at, 0));
    object.next = add(StateOp::object_next, at, 0);
    const std::uint32_t start = compile(syntax.open, add(StateOp::object_first, at, 0));
    out_.objects[at] = std::move(object);
    out_.rule_starts.push_back(start);
    return static_cast<RuleId>(out_.rule_starts.size() - 1);
  }

  const Syntax& syntax_;
  Automaton& out_;
  bool full_ = false;
};

// Bytes that are in the same sets become one class.
void classify_bytes(const std::vector<ByteSet>& sets, Automaton& automaton) {
  std::vector<std::size_t> by_class(1, 256);  // bytes
  for (const ByteSet& set : sets) {
    std::array<int, 256> moved;  // a class to that of its bytes in the set
    moved.fill(-1);
    std::vector<std::size_t> inside(automaton.classes, 0);
    for (std::size_t b = 0; b < 256; ++b) inside[automaton.byte_class[b]] += set[b];
    for (std::size_t b = 0; b < 256; ++b) {
      const std::size_t c = automaton.byte_class[b];
      if (!set[b] || c >= inside.size() || inside[c] == 0 || inside[c] == by_class[c]) continue;
      if (moved[c] < 0) {
        moved[c] = static_cast<int>(automaton.classes++);
        by_class.push_back(0);
      }
      automaton.byte_class[b] = static_cast<std::uint8_t>(moved[c]);
      ++by_class[static_cast<std::size_t>(moved[c])];
    }
    for (std::size_t c = 0; c < inside.size(); ++c) {
      if (moved[c] >= 0) by_class[c] -= inside[c];
    }
  }
  for (const ByteSet& set : sets) {
    ByteSet classes;
    for (std::size_t b = 0; b < 256; ++b) {
      if (set[b]) classes.set(automaton.byte_class[b]);
    }
    automaton.sets.push_back(classes);
  }
}

// ---- what can be said before any text ----

// Finds states from which the end of their rule can be reached: from the ends backwards, each edge once.
class Productive {
 public:
  explicit Productive(const Automaton& automaton) : automaton_(automaton), reached_(automaton.states.size(), false) {
    link();
    for (std::uint32_t s = 0; s < automaton.states.size(); ++s) {
      if (holds(s)) mark(s);
    }
    while (!work_.empty()) {
      const std::uint32_t s = work_.back();
      work_.pop_back();
      for (std::uint32_t i = first_[s]; i < first_[s + 1]; ++i) {
        if (!reached_[before_[i]] && holds(before_[i])) mark(before_[i]);
      }
    }
  }
  std::vector<bool> take() { return std::move(reached_); }

 private:
  bool rule(RuleId id) const { return reached_[automaton_.rule_starts[id]]; }
  void mark(std::uint32_t s) {
    reached_[s] = true;
    work_.push_back(s);
  }
  bool holds(std::uint32_t s) const {
    const AutomatonState& state = automaton_.states[s];
    switch (state.kind) {
      case StateOp::bytes:
        return automaton_.sets[state.a].any() && reached_[state.b];
      case StateOp::split:
        return reached_[state.a] || reached_[state.b];
      case StateOp::call:
        return rule(state.a) && reached_[state.b];
      case StateOp::plain:
        return reached_[state.a];
      case StateOp::end:
        return true;
      default:
        return object_ends(automaton_.objects[state.a]);
    }
  }
  bool object_ends(const Automaton::Object& object) const {
    if (!std::all_of(object.required.begin(), object.required.end(),
                     [&](std::uint32_t i) { return rule(object.members[i]); }))
      return false;
    if (object.least <= object.required.size()) return true;
    const auto possible = [&](RuleId id) { return rule(id); };
    const auto named = static_cast<std::size_t>(std::count_if(object.members.begin(), object.members.end(), possible));
    return named + std::any_of(object.others.begin(), object.others.end(), possible) >= object.least;
  }
  // Calls f(t) for the states that holds(s) looks at.
  template <class F>
  void each_after(std::uint32_t s, F f) const {
    const AutomatonState& state = automaton_.states[s];
    switch (state.kind) {
      case StateOp::bytes:
        return f(state.b);
      case StateOp::split:
        f(state.a);
        return f(state.b);
      case StateOp::call:
        f(automaton_.rule_starts[state.a]);
        return f(state.b);
      case StateOp::plain:
        return f(state.a);
      case StateOp::end:
        return;
      default:
        for (const RuleId member : automaton_.objects[state.a].members) f(automaton_.rule_starts[member]);
        for (const RuleId other : automaton_.objects[state.a].others) f(automaton_.rule_starts[other]);
    }
  }
  void link() {
    const auto n = static_cast<std::uint32_t>(automaton_.states.size());
    first_.assign(n + 1, 0);
    for (std::uint32_t s = 0; s < n; ++s) each_after(s, [&](std::uint32_t t) { ++first_[t + 1]; });
    for (std::uint32_t s = 0; s < n; ++s) first_[s + 1] += first_[s];
    before_.resize(first_[n]);
    std::vector<std::uint32_t> at(first_.begin(), first_.end() - 1);
    for (std::uint32_t s = 0; s < n; ++s) each_after(s, [&](std::uint32_t t) { before_[at[t]++] = s; });
  }

  const Automaton& automaton_;
  std::vector<bool> reached_;
  std::vector<std::uint32_t> first_, before_, work_;
};

// The rules that a rule may call before its first byte, and whether it may end before it.
struct Corner {
  std::vector<RuleId> calls;
  bool nullable = false;
};

Corner corner_of(const Automaton& automaton, RuleId rule, const std::vector<bool>& nullable,
                 std::vector<std::uint32_t>& seen_by) {
  Corner corner;
  std::vector<std::uint32_t> work = {automaton.rule_starts[rule]};
  while (!work.empty()) {
    const std::uint32_t s = work.back();
    work.pop_back();
    if (std::exchange(seen_by[s], rule + 1) == rule + 1) continue;
    const AutomatonState& state = automaton.states[s];
    if (state.kind == StateOp::split) work.insert(work.end(), {state.a, state.b});
    if (state.kind == StateOp::plain) work.push_back(state.a);
    if (state.kind == StateOp::end) corner.nullable = true;
    if (state.kind == StateOp::call) {
      corner.calls.push_back(state.a);
      if (nullable[state.a]) work.push_back(state.b);
    }
  }
  return corner;
}

// A rule that may call itself before any byte, or kNoRule. Nothing is said of it where too many rules may be
// empty.
Result<RuleId> find_left_recursion(const Automaton& automaton) {
  const std::size_t n = automaton.rule_starts.size();
  std::vector<bool> nullable(n, false);
  std::vector<Corner> corners(n);
  std::vector<std::uint32_t> seen_by(automaton.states.size(), 0);
  constexpr int kMostPasses = 64;
  bool changed = true;
  for (int pass = 0; changed; ++pass) {
    if (pass == kMostPasses) return usage_error("has too many rules that may be empty, one in the other");
    changed = false;
    std::fill(seen_by.begin(), seen_by.end(), 0);
    for (RuleId rule = 0; rule < n; ++rule) {
      corners[rule] = corner_of(automaton, rule, nullable, seen_by);
      if (corners[rule].nullable && !nullable[rule]) nullable[rule] = changed = true;
    }
  }
  std::vector<std::uint8_t> colour(n, 0);  // 1: on the path, 2: done
  for (RuleId root = 0; root < n; ++root) {
    if (colour[root] != 0) continue;
    std::vector<std::pair<RuleId, std::size_t>> path = {{root, 0}};
    colour[root] = 1;
    while (!path.empty()) {
      auto& [rule, at] = path.back();
      if (at == corners[rule].calls.size()) {
        colour[rule] = 2;
        path.pop_back();
        continue;
      }
      const RuleId called = corners[rule].calls[at++];
      if (colour[called] == 1) return called;
      if (colour[called] == 0) {
        colour[called] = 1;
        path.push_back({called, 0});
      }
    }
  }
  return Automaton::kNoRule;
}

}  // namespace

Result<std::shared_ptr<const Automaton>> make_automaton(const Syntax& syntax, RuleId root) {
  const Error too_large = usage_error(fmt::format("takes more than {} states", kMostStates),
                                      "smaller counts, or fewer of them one in the other, will do");
  auto automaton = std::make_shared<Automaton>();
  automaton->root = root;
  if (syntax.full()) return too_large;
  Compiler compiler(syntax, *automaton);
  compiler.compile_rules();
  if (compiler.full()) return too_large;
  classify_bytes(syntax.sets(), *automaton);
  CONTINUO_TRY(const RuleId recursive, find_left_recursion(*automaton));
  if (recursive != Automaton::kNoRule) {
    const bool named = recursive < syntax.rules().size();
    return usage_error(fmt::format("has left recursion: {} may begin with itself",
                                   named ? fmt::format("'{}'", syntax.rules()[recursive].name) : "a rule"),
                       "put what repeats behind what is there first");
  }
  automaton->leads_to_end = Productive(*automaton).take();
  if (!automaton->leads_to_end[automaton->rule_starts[root]])
    return usage_error("matches no text at all", "is there a branch that ends?");
  return std::shared_ptr<const Automaton>(std::move(automaton));
}

}  // namespace continuo
