#include "grammar/matcher.h"

#include <algorithm>
#include <unordered_set>

namespace continuo {

namespace {

constexpr std::size_t kMostMemory = std::size_t{512} << 20;       // bytes of sets
constexpr std::size_t kMostTokensMemory = std::size_t{64} << 20;  // of the tokens that they allow
constexpr std::size_t kMostConfigurations = 50'000;               // of a set

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

}  // namespace

std::size_t Matcher::Hash::operator()(const Frame& frame) const {
  return mix(mix(mix(1, frame.state), frame.members), frame.below);
}
std::size_t Matcher::Hash::operator()(const Configuration& c) const {
  return mix(mix(mix(2, c.state), c.members), c.stack);
}
std::size_t Matcher::Hash::operator()(const std::vector<Configuration>& all) const {
  std::uint64_t hash = all.size();
  for (const Configuration& c : all) hash = mix(hash, (*this)(c));
  return hash;
}
std::size_t Matcher::Hash::operator()(const std::vector<std::uint64_t>& bits) const {
  std::uint64_t hash = bits.size();
  for (const std::uint64_t word : bits) hash = mix(hash, word);
  return hash;
}

Matcher::Matcher(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(automaton)), trie_(std::move(trie)), frames_(1) {
  members({});
  for (const std::uint32_t set : {kDead, kTooLarge})
    sets_.push_back({&none_, false, std::vector<std::uint32_t>(automaton_->classes, set), nullptr});
  start_ = closed({{automaton_->rule_starts[automaton_->root], 0, 0}});
}

std::uint32_t Matcher::frame(const Frame& frame) {
  const auto [known, is_new] = known_frames_.try_emplace(frame, static_cast<std::uint32_t>(frames_.size()));
  if (is_new) {
    frames_.push_back(frame);
    memory_ += 4 * sizeof(Frame);
  }
  return known->second;
}

std::uint32_t Matcher::members(Members members) {
  const std::size_t bytes = members.size() * sizeof(std::uint64_t);
  const auto [known, is_new] =
      known_members_.try_emplace(std::move(members), static_cast<std::uint32_t>(members_.size()));
  if (is_new) {
    members_.push_back(&known->first);
    memory_ += bytes + 64;
  }
  return known->second;
}

// A rule whose caller has nothing left to do returns to the caller's caller: repetition by recursion keeps
// its stack.
void Matcher::call(RuleId rule, const Frame& back, std::vector<Configuration>& work) {
  const std::uint32_t start = automaton_->rule_starts[rule];
  if (!leads_on(start) || !leads_on(back.state)) return;
  const bool is_last = automaton_->states[back.state].kind == StateOp::end;
  work.push_back({start, 0, is_last ? back.below : frame(back)});
}

void Matcher::enter_object(const Configuration& at, std::vector<Configuration>& work) {
  const AutomatonState& state = automaton_->states[at.state];
  const Automaton::Object& object = automaton_->objects[state.a];
  const Members has = *members_[at.members];
  const auto is_there = [&](std::uint32_t i) { return i / 64 < has.size() && (has[i / 64] >> (i % 64) & 1) != 0; };
  const bool may_close = std::all_of(object.required.begin(), object.required.end(), is_there);
  if (state.kind != StateOp::object_key && may_close && leads_on(object.close))
    work.push_back({object.close, 0, at.stack});
  const auto may_follow = [&](RuleId rule) { return leads_on(automaton_->rule_starts[rule]); };
  if (state.kind == StateOp::object_next) {
    bool more = may_follow(object.other);
    for (std::uint32_t i = 0; i < object.members.size() && !more; ++i)
      more = !is_there(i) && may_follow(object.members[i]);
    if (more) work.push_back({object.comma, at.members, at.stack});
    return;
  }
  for (std::uint32_t i = 0; i < object.members.size(); ++i) {
    if (is_there(i) || !may_follow(object.members[i])) continue;
    Members with = has;
    with.resize(std::max<std::size_t>(with.size(), i / 64 + 1));
    with[i / 64] |= 1ull << (i % 64);
    call(object.members[i], {object.next, members(std::move(with)), at.stack}, work);
  }
  if (may_follow(object.other)) call(object.other, {object.next, at.members, at.stack}, work);
}

void Matcher::follow(const Configuration& at, std::vector<Configuration>& work, bool& may_end) {
  const AutomatonState& state = automaton_->states[at.state];
  switch (state.kind) {
    case StateOp::bytes:
      return;
    case StateOp::split:
      for (const std::uint32_t next : {state.a, state.b}) {
        if (leads_on(next)) work.push_back({next, at.members, at.stack});
      }
      return;
    case StateOp::call:
      return call(state.a, {state.b, at.members, at.stack}, work);
    case StateOp::end:
      if (at.stack == 0) {
        may_end = true;
      } else {
        const Frame back = frames_[at.stack];
        work.push_back({back.state, back.members, back.below});
      }
      return;
    default:
      return enter_object(at, work);
  }
}

// The set of all that can be reached without a byte: those that wait for one are kept.
std::uint32_t Matcher::closed(std::vector<Configuration> work) {
  std::unordered_set<Configuration, Hash> met;
  std::vector<Configuration> kept;
  bool may_end = false;
  while (!work.empty()) {
    const Configuration at = work.back();
    work.pop_back();
    if (!leads_on(at.state) || !met.insert(at).second) continue;
    if (met.size() > kMostConfigurations || work.size() > 8 * kMostConfigurations || memory_ > kMostMemory) {
      return kTooLarge;
    }
    if (automaton_->states[at.state].kind == StateOp::bytes) kept.push_back(at);
    follow(at, work, may_end);
  }
  std::sort(kept.begin(), kept.end());
  if (may_end) kept.push_back({kUnknown, 0, 0});  // so that sets that end are others
  if (kept.empty()) return kDead;
  const std::size_t bytes = kept.size() * sizeof(Configuration);
  const auto [known, is_new] = known_.try_emplace(std::move(kept), static_cast<std::uint32_t>(sets_.size()));
  if (is_new) {
    sets_.push_back({&known->first, may_end, std::vector<std::uint32_t>(automaton_->classes, kUnknown), nullptr});
    memory_ += bytes + automaton_->classes * sizeof(std::uint32_t) + 2 * sizeof(Set);
  }
  return known->second;
}

std::uint32_t Matcher::make_step(std::uint32_t set, std::uint8_t byte_class) {
  std::vector<Configuration> work;
  for (const Configuration& at : *sets_[set].configurations) {
    if (at.state == kUnknown) continue;
    const AutomatonState& state = automaton_->states[at.state];
    if (automaton_->sets[state.a][byte_class]) work.push_back({state.b, at.members, at.stack});
  }
  const std::uint32_t next = work.empty() ? kDead : closed(std::move(work));
  sets_[set].next[byte_class] = next;
  return next;
}

std::uint32_t Matcher::step(std::uint32_t set, std::uint8_t byte) {
  const std::uint8_t byte_class = automaton_->byte_class[byte];
  const std::uint32_t next = sets_[set].next[byte_class];
  return next != kUnknown ? next : make_step(set, byte_class);
}

std::uint32_t Matcher::advance(std::uint32_t set, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const char c : bytes) set = step(set, static_cast<std::uint8_t>(c));
  return set;
}

bool Matcher::may_end(std::uint32_t set) {
  const std::lock_guard lock(mutex_);
  return sets_[set].may_end;
}

std::size_t Matcher::memory() {
  const std::lock_guard lock(mutex_);
  return memory_;
}

void Matcher::trim_tokens() {
  const std::size_t bytes = (trie_->vocab_size() + 63) / 64 * sizeof(std::uint64_t);
  if (tokens_kept_ * bytes < kMostTokensMemory) return;
  for (Set& set : sets_) set.tokens = nullptr;
  tokens_kept_ = 0;
}

Grammar::Tokens Matcher::allowed(std::uint32_t set) {
  const std::lock_guard lock(mutex_);
  if (sets_[set].tokens) return sets_[set].tokens;
  Grammar::Tokens tokens = set == kTooLarge ? nullptr : walk(set);
  if (!tokens) return nullptr;
  trim_tokens();
  ++tokens_kept_;
  return sets_[set].tokens = std::move(tokens);
}

Grammar::Tokens Matcher::walk(std::uint32_t set) {
  auto tokens = std::make_shared<std::vector<std::uint64_t>>((trie_->vocab_size() + 63) / 64);
  std::vector<std::uint32_t> path(trie_->longest() + 1, set);
  const auto& nodes = trie_->nodes();
  for (std::size_t i = 0; i < nodes.size();) {
    const TokenTrie::Node& node = nodes[i];
    const std::uint32_t next = step(path[node.depth - 1], node.byte);
    if (next == kTooLarge) return nullptr;
    if (next == kDead) {
      i = node.after;
      continue;
    }
    path[node.depth] = next;
    for (std::uint32_t t = node.first_token; t < node.first_token + node.tokens; ++t) {
      const auto id = static_cast<std::size_t>(trie_->ids()[t]);
      (*tokens)[id / 64] |= 1ull << (id % 64);
    }
    ++i;
  }
  return tokens;
}

}  // namespace continuo
