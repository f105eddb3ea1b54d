#include "grammar/matcher.h"

#include <algorithm>
#include <bit>

namespace continuo {

namespace {

constexpr std::size_t kMostMemory = std::size_t{512} << 20;  // bytes of sets
constexpr std::size_t kMostConfigurations = 50'000;          // of a set

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
std::size_t Matcher::Hash::operator()(const std::pair<std::uint32_t, std::uint32_t>& pair) const {
  return mix(mix(3, pair.first), pair.second);
}

Matcher::Matcher(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(automaton)), trie_(std::move(trie)), frames_(1) {
  members({});
  for (const std::uint32_t set : {kDead, kTooLarge}) {
    sets_.push_back({&none_, false, 0, nullptr});
    next_.insert(next_.end(), automaton_->classes, set);
  }
  for (const ByteSet& set : automaton_->sets) {
    std::uint16_t size = 0;
    for (const std::uint8_t byte_class : automaton_->byte_class) size += set[byte_class];
    set_sizes_.push_back(size);
  }
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

namespace {

// What an object has, and whether more of it may come or has to.
class MemberCount {
 public:
  using Members = std::vector<std::uint64_t>;

  MemberCount(const Automaton::Object& object, const Members& has) : object_(object), has_(has) {
    for (std::size_t i = 1; i < has.size(); ++i) named_ += static_cast<std::uint32_t>(std::popcount(has[i]));
    others_ = has.empty() ? 0 : has[0];
    missing_ = static_cast<std::uint64_t>(
        std::count_if(object.required.begin(), object.required.end(), [&](std::uint32_t i) { return !is_there(i); }));
  }
  bool is_there(std::uint32_t i) const { return i / 64 + 1 < has_.size() && (has_[i / 64 + 1] >> (i % 64) & 1) != 0; }
  bool may_close() const { return missing_ == 0 && named_ + std::min<std::uint64_t>(others_, 1) >= object_.least; }
  // Room for the members that have to come is left.
  bool may_add(bool is_required) const { return may_hold(named_ + 1, others_, missing_ - is_required); }
  bool may_add_other() const { return may_hold(named_, others_ + 1, missing_); }
  Members with(std::uint32_t i) const {
    Members more = has_;
    more.resize(std::max<std::size_t>(more.size(), i / 64 + 2));
    more[i / 64 + 1] |= 1ull << (i % 64);
    return more;
  }
  Members with_other() const {
    const bool counts = object_.most != kUnbounded || object_.least > object_.required.size();
    if (!counts) return has_;
    Members more = has_;
    more.resize(std::max<std::size_t>(more.size(), 1));
    // One is as good as many for the least number.
    if (object_.most != kUnbounded || more[0] == 0) ++more[0];
    return more;
  }

 private:
  bool may_hold(std::uint64_t named, std::uint64_t others, std::uint64_t missing) const {
    if (object_.most == kUnbounded) return true;
    const std::uint64_t counted = named + std::min<std::uint64_t>(others, 1);
    const std::uint64_t too_few = object_.least - std::min<std::uint64_t>(object_.least, counted);
    return named + others + std::max(missing, too_few) <= object_.most;
  }

  const Automaton::Object& object_;
  const Members& has_;
  std::uint64_t named_ = 0, others_ = 0, missing_ = 0;
};

}  // namespace

void Matcher::enter_object(const Configuration& at, std::vector<Configuration>& work) {
  const AutomatonState& state = automaton_->states[at.state];
  const Automaton::Object& object = automaton_->objects[state.a];
  const Members has = *members_[at.members];
  const MemberCount count(object, has);
  if (state.kind != StateOp::object_key && count.may_close() && leads_on(object.close))
    work.push_back({object.close, 0, at.stack});
  const auto may_follow = [&](RuleId rule) { return leads_on(automaton_->rule_starts[rule]); };
  const bool behind = state.kind == StateOp::object_next;
  bool more = false;
  auto required = object.required.begin();
  for (std::uint32_t i = 0; i < object.members.size() && !(behind && more); ++i) {
    const bool is_required = required != object.required.end() && *required == i;
    required += is_required;
    if (count.is_there(i) || !may_follow(object.members[i]) || !count.may_add(is_required)) continue;
    more = true;
    if (!behind) call(object.members[i], {object.next, members(count.with(i)), at.stack}, work);
  }
  for (const RuleId other : object.others) {
    if (!may_follow(other) || !count.may_add_other()) continue;
    more = true;
    if (!behind) call(other, {object.next, members(count.with_other()), at.stack}, work);
  }
  if (behind && more) work.push_back({object.comma, at.members, at.stack});
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
    case StateOp::plain:
      work.push_back({state.a, at.members, at.stack});
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

// Where it stands in this round's table, or would.
Matcher::Met& Matcher::met_place(const Configuration& at) {
  const std::size_t mask = met_.size() - 1;
  for (std::size_t i = Hash()(at) & mask;; i = (i + 1) & mask) {
    if (met_[i].round != round_ || met_[i].configuration == at) return met_[i];
  }
}

// Whether it is new to this round of closed().
bool Matcher::meet(const Configuration& at) {
  if (2 * met_in_round_ >= met_.size()) {
    std::vector<Met> before(std::max<std::size_t>(2 * met_.size(), 64));
    before.swap(met_);
    for (const Met& met : before) {
      if (met.round == round_ && met_in_round_ > 0) met_place(met.configuration) = met;
    }
  }
  Met& place = met_place(at);
  if (place.round == round_) return false;
  place = {at, round_};
  ++met_in_round_;
  return true;
}

// The set of all that can be reached without a byte: those that wait for one are kept.
std::uint32_t Matcher::closed(std::vector<Configuration> work) {
  ++round_;
  met_in_round_ = 0;
  std::vector<Configuration> kept;
  bool may_end = false;
  std::uint32_t plain = 0;
  while (!work.empty()) {
    const Configuration at = work.back();
    work.pop_back();
    if (!leads_on(at.state) || !meet(at)) continue;
    if (met_in_round_ > kMostConfigurations || work.size() > 8 * kMostConfigurations || memory_ > kMostMemory)
      return kTooLarge;
    const AutomatonState& state = automaton_->states[at.state];
    if (state.kind == StateOp::bytes) kept.push_back(at);
    if (state.kind == StateOp::plain) plain = std::max(plain, state.b);
    follow(at, work, may_end);
  }
  return intern(std::move(kept), may_end, plain);
}

std::uint32_t Matcher::intern(std::vector<Configuration> kept, bool may_end, std::uint32_t plain) {
  std::sort(kept.begin(), kept.end());
  if (may_end || plain > 0) kept.push_back({kUnknown, may_end, plain});  // so that sets that end are others
  if (kept.empty()) return kDead;
  const std::size_t bytes = kept.size() * sizeof(Configuration);
  const auto [known, is_new] = known_.try_emplace(std::move(kept), static_cast<std::uint32_t>(sets_.size()));
  if (is_new) {
    sets_.push_back({&known->first, may_end, plain, nullptr});
    next_.insert(next_.end(), automaton_->classes, kUnknown);
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
  next_[set * automaton_->classes + byte_class] = next;
  return next;
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

}  // namespace continuo
