#include "grammar/regular.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace continuo {

namespace {

constexpr std::size_t kMostNfaStates = 300'000, kMostDfaStates = 20'000;
constexpr std::uint32_t kDead = 0;  // of a Lazy's sets

Error too_large() { return usage_error(fmt::format("takes more than {} states", kMostDfaStates)); }

// An automaton with moves that take no byte.
struct Nfa {
  enum class Op : std::uint8_t { bytes, split, accept };
  struct State {
    Op op;
    std::uint32_t a, b;  // bytes: a set, the next state; split: two states
  };
  std::vector<State> states;
  std::uint32_t start = 0;
};

class NfaMaker {
 public:
  explicit NfaMaker(const Syntax& syntax) : syntax_(syntax) {}

  // Nothing if it is too large.
  std::optional<Nfa> make(NodeId node) {
    const std::uint32_t end = add(Nfa::Op::accept, 0, 0);
    out_.start = compile(node, end, 0);
    if (full_) return std::nullopt;
    return std::move(out_);
  }

 private:
  static constexpr int kMostDepth = 1000;

  std::uint32_t add(Nfa::Op op, std::uint32_t a, std::uint32_t b) {
    if (out_.states.size() >= kMostNfaStates) full_ = true;
    if (full_) return 0;
    out_.states.push_back({op, a, b});
    return static_cast<std::uint32_t>(out_.states.size() - 1);
  }

  std::uint32_t compile(NodeId id, std::uint32_t next, int depth) {
    if (depth > kMostDepth) full_ = true;
    if (full_) return 0;
    const Node& node = syntax_.node(id);
    switch (node.kind) {
      case NodeKind::bytes:
        return add(Nfa::Op::bytes, node.a, next);
      case NodeKind::seq:
        for (std::uint32_t i = node.b; i > 0; --i) next = compile(syntax_.child(node, i - 1), next, depth + 1);
        return next;
      case NodeKind::alt:
        return compile_alt(node, next, depth);
      case NodeKind::repeat:
        return compile_repeat(node, next, depth);
      case NodeKind::rule:
        return compile(syntax_.rules()[node.a].body, next, depth + 1);
      case NodeKind::plain:
        return compile(node.a, next, depth + 1);
      case NodeKind::dfa:
        return compile_dfa(syntax_.dfas()[node.a], next);
      case NodeKind::object:
        break;
    }
    CONTINUO_CHECK(false, "an object in a regular set");
    return 0;
  }

  std::uint32_t compile_alt(const Node& node, std::uint32_t next, int depth) {
    if (node.b == 0) {
      const std::uint32_t dead = add(Nfa::Op::split, 0, 0);
      if (!full_) out_.states[dead] = {Nfa::Op::split, dead, dead};
      return dead;
    }
    std::uint32_t start = compile(syntax_.child(node, node.b - 1), next, depth + 1);
    for (std::uint32_t i = node.b - 1; i > 0 && !full_; --i)
      start = add(Nfa::Op::split, compile(syntax_.child(node, i - 1), next, depth + 1), start);
    return start;
  }

  std::uint32_t compile_repeat(const Node& node, std::uint32_t next, int depth) {
    const Count& count = syntax_.count(node.b);
    std::uint32_t start = next;
    if (count.most == kUnbounded) {
      const std::uint32_t loop = add(Nfa::Op::split, 0, next);
      const std::uint32_t body = compile(node.a, loop, depth + 1);
      if (full_) return 0;
      out_.states[loop].a = body;
      start = loop;
    } else {
      for (std::uint32_t i = count.least; i < count.most && !full_; ++i)
        start = add(Nfa::Op::split, compile(node.a, start, depth + 1), next);
    }
    for (std::uint32_t i = 0; i < count.least && !full_; ++i) start = compile(node.a, start, depth + 1);
    return start;
  }

  std::uint32_t compile_dfa(const Dfa& dfa, std::uint32_t next) {
    std::vector<std::uint32_t> heads;
    for (std::size_t i = 0; i < dfa.states.size(); ++i) heads.push_back(add(Nfa::Op::split, 0, 0));
    for (std::size_t i = 0; i < dfa.states.size() && !full_; ++i) {
      std::uint32_t at = dfa.states[i].accepts ? next : heads[i];
      for (const Dfa::Edge& edge : dfa.states[i].edges)
        at = add(Nfa::Op::split, add(Nfa::Op::bytes, edge.set, heads[edge.target]), at);
      if (!full_) out_.states[heads[i]] = {Nfa::Op::split, at, at};
    }
    return full_ ? 0 : heads.front();
  }

  const Syntax& syntax_;
  Nfa out_;
  bool full_ = false;
};

// The deterministic automaton of one Nfa, made as far as it is walked.
class Lazy {
 public:
  Lazy(Nfa nfa, const std::vector<ByteSet>& sets) : nfa_(std::move(nfa)), sets_(sets) {
    known_[{}] = kDead;
    subsets_.push_back({});
    accepts_.push_back(false);
    next_.emplace_back();
  }

  std::uint32_t start() { return closed({nfa_.start}); }
  bool accepts(std::uint32_t set) const { return accepts_[set]; }
  std::uint32_t step(std::uint32_t set, unsigned char byte) {
    if (set == kDead) return kDead;
    if (next_[set].empty()) next_[set].assign(256, kUnknown);
    if (next_[set][byte] != kUnknown) return next_[set][byte];
    std::vector<std::uint32_t> work;
    for (const std::uint32_t s : subsets_[set]) {
      if (nfa_.states[s].op == Nfa::Op::bytes && sets_[nfa_.states[s].a][byte]) work.push_back(nfa_.states[s].b);
    }
    const std::uint32_t next = work.empty() ? kDead : closed(std::move(work));
    return next_[set][byte] = next;
  }
  std::size_t work() const { return work_; }

 private:
  static constexpr std::uint32_t kUnknown = static_cast<std::uint32_t>(-1);

  std::uint32_t closed(std::vector<std::uint32_t> work) {
    std::vector<std::uint32_t> kept;
    if (mark_.empty()) mark_.assign(nfa_.states.size(), 0);
    ++round_;
    while (!work.empty()) {
      const std::uint32_t s = work.back();
      work.pop_back();
      if (std::exchange(mark_[s], round_) == round_) continue;
      ++work_;
      const Nfa::State& state = nfa_.states[s];
      if (state.op == Nfa::Op::split) {
        work.push_back(state.a);
        work.push_back(state.b);
      } else {
        kept.push_back(s);
      }
    }
    std::sort(kept.begin(), kept.end());
    const bool accepts =
        std::any_of(kept.begin(), kept.end(), [&](std::uint32_t s) { return nfa_.states[s].op == Nfa::Op::accept; });
    const auto [known, is_new] = known_.try_emplace(kept, static_cast<std::uint32_t>(subsets_.size()));
    if (is_new) {
      subsets_.push_back(std::move(kept));
      accepts_.push_back(accepts);
      next_.emplace_back();
    }
    return known->second;
  }

  Nfa nfa_;
  const std::vector<ByteSet>& sets_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> known_;
  std::vector<std::vector<std::uint32_t>> subsets_, next_;
  std::vector<bool> accepts_;
  std::vector<std::uint32_t> mark_;
  std::uint32_t round_ = 0;
  std::size_t work_ = 0;
};

// One byte of each class that no set of the nodes tells apart.
std::vector<std::vector<unsigned char>> byte_classes(const std::vector<const Nfa*>& nfas,
                                                     const std::vector<ByteSet>& sets) {
  std::vector<std::uint32_t> used;
  for (const Nfa* nfa : nfas) {
    for (const Nfa::State& state : nfa->states) {
      if (state.op == Nfa::Op::bytes) used.push_back(state.a);
    }
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  std::array<std::uint32_t, 256> of{};
  std::uint32_t n = 1;
  for (const std::uint32_t set : used) {
    std::map<std::uint32_t, std::uint32_t> inside;
    std::array<std::uint32_t, 256> refined = of;
    for (std::size_t b = 0; b < 256; ++b) {
      if (!sets[set][b]) continue;
      const auto [split, is_new] = inside.try_emplace(of[b], n);
      n += is_new;
      refined[b] = split->second;
    }
    of = refined;
  }
  std::map<std::uint32_t, std::vector<unsigned char>> classes;
  for (std::size_t b = 0; b < 256; ++b) classes[of[b]].push_back(static_cast<unsigned char>(b));
  std::vector<std::vector<unsigned char>> all;
  for (auto& [id, bytes] : classes) all.push_back(std::move(bytes));
  return all;
}

// All operands walked side by side.
class Product {
 public:
  static Result<Product> make(const Syntax& syntax, const RegularSets& sets) {
    Product product;
    std::vector<Nfa> nfas;
    for (const auto* list : {&sets.all_of, &sets.none_of}) {
      for (const NodeId node : *list) {
        auto nfa = NfaMaker(syntax).make(node);
        if (!nfa) return too_large();
        nfas.push_back(std::move(*nfa));
      }
    }
    std::vector<const Nfa*> pointers;
    for (const Nfa& nfa : nfas) pointers.push_back(&nfa);
    product.classes_ = byte_classes(pointers, syntax.sets());
    product.positive_ = sets.all_of.size();
    for (const Nfa& nfa : nfas) product.nfa_states_ += 10 * nfa.states.size();
    for (Nfa& nfa : nfas) product.operands_.emplace_back(std::move(nfa), syntax.sets());
    return product;
  }

  // Makes all states; stops at the first that accepts, if no more is asked.
  Result<bool> explore(bool first_only, RegularBudget& budget) {
    auto found = explore_within(first_only, budget.steps);
    budget.steps -= std::min(budget.steps, work());
    return found;
  }

 private:
  std::size_t work() const {
    std::size_t work = nfa_states_ + 20 * keys_.size() * classes_.size();
    for (const Lazy& operand : operands_) work += operand.work();
    return work;
  }

  Result<bool> explore_within(bool first_only, std::size_t most) {
    Key start;
    for (Lazy& operand : operands_) start.push_back(operand.start());
    add(std::move(start));
    bool any = false;
    for (std::uint32_t s = 0; s < keys_.size(); ++s) {
      accepts_.push_back(accepts(*keys_[s]));
      any = any || accepts_.back();
      if (any && first_only) return true;
      targets_.emplace_back();
      for (const auto& bytes : classes_) targets_.back().push_back(step(*keys_[s], bytes.front()));
      if (keys_.size() > kMostDfaStates || work() > most) return too_large();
    }
    return any;
  }

 public:
  Dfa take(Syntax& syntax) {
    const std::vector<bool> leads_on = productive();
    std::vector<std::uint32_t> renamed(keys_.size(), kNone);
    std::uint32_t n = 0;
    for (std::uint32_t s = 0; s < keys_.size(); ++s) {
      if (leads_on[s]) renamed[s] = n++;
    }
    Dfa dfa;
    for (std::uint32_t s = 0; s < keys_.size(); ++s) {
      if (!leads_on[s]) continue;
      std::map<std::uint32_t, ByteSet> by_target;
      for (std::size_t c = 0; c < classes_.size(); ++c) {
        const std::uint32_t target = targets_[s][c];
        if (target == kNone || !leads_on[target]) continue;
        for (const unsigned char b : classes_[c]) by_target[renamed[target]].set(b);
      }
      dfa.states.push_back({{}, accepts_[s]});
      for (const auto& [target, set] : by_target) dfa.states.back().edges.push_back({syntax.set_id(set), target});
    }
    return dfa;
  }

 private:
  using Key = std::vector<std::uint32_t>;
  static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

  std::uint32_t add(Key key) {
    const auto [known, is_new] = known_.try_emplace(std::move(key), static_cast<std::uint32_t>(keys_.size()));
    if (is_new) keys_.push_back(&known->first);
    return known->second;
  }
  bool accepts(const Key& key) const {
    for (std::size_t i = 0; i < key.size(); ++i) {
      if (operands_[i].accepts(key[i]) != (i < positive_)) return false;
    }
    return true;
  }
  std::uint32_t step(const Key& key, unsigned char byte) {
    Key next;
    for (std::size_t i = 0; i < key.size(); ++i) {
      next.push_back(operands_[i].step(key[i], byte));
      if (i < positive_ && next.back() == kDead) return kNone;
    }
    return add(std::move(next));
  }
  std::vector<bool> productive() const {
    std::vector<std::vector<std::uint32_t>> before(keys_.size());
    for (std::uint32_t s = 0; s < keys_.size(); ++s) {
      for (const std::uint32_t target : targets_[s]) {
        if (target != kNone) before[target].push_back(s);
      }
    }
    std::vector<bool> reached = accepts_;
    std::vector<std::uint32_t> work;
    for (std::uint32_t s = 0; s < keys_.size(); ++s) {
      if (reached[s]) work.push_back(s);
    }
    while (!work.empty()) {
      const std::uint32_t s = work.back();
      work.pop_back();
      for (const std::uint32_t b : before[s]) {
        if (reached[b]) continue;
        reached[b] = true;
        work.push_back(b);
      }
    }
    return reached;
  }

  std::vector<Lazy> operands_;
  std::size_t positive_ = 0, nfa_states_ = 0;
  std::vector<std::vector<unsigned char>> classes_;
  std::map<Key, std::uint32_t> known_;
  std::vector<const Key*> keys_;
  std::vector<std::vector<std::uint32_t>> targets_;  // by state and class
  std::vector<bool> accepts_;
};

class NfaRecognizer : public Recognizer {
 public:
  NfaRecognizer(Nfa nfa, const std::vector<ByteSet>& sets) : lazy_(std::move(nfa), sets) {}
  bool takes(std::string_view text) override {
    std::uint32_t set = lazy_.start();
    for (const char c : text) set = lazy_.step(set, static_cast<unsigned char>(c));
    return lazy_.accepts(set);
  }

 private:
  Lazy lazy_;
};

}  // namespace

Result<std::optional<NodeId>> combine(Syntax& syntax, const RegularSets& sets, RegularBudget& budget) {
  CONTINUO_TRY(Product product, Product::make(syntax, sets));
  CONTINUO_TRY(const bool any, product.explore(false, budget));
  if (!any) return std::optional<NodeId>();
  return std::optional(syntax.dfa(product.take(syntax)));
}

Result<bool> has_text(Syntax& syntax, const RegularSets& sets, RegularBudget& budget) {
  CONTINUO_TRY(Product product, Product::make(syntax, sets));
  return product.explore(true, budget);
}

Result<std::unique_ptr<Recognizer>> Recognizer::make(const Syntax& syntax, NodeId node) {
  auto nfa = NfaMaker(syntax).make(node);
  if (!nfa) return too_large();
  return std::unique_ptr<Recognizer>(std::make_unique<NfaRecognizer>(std::move(*nfa), syntax.sets()));
}

}  // namespace continuo
