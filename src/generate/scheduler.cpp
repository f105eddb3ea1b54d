#include "generate/scheduler.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/check.h"

namespace continuo {

namespace {

// A sequence waits for another to compute what both begin with, if it is at least so many tokens.
constexpr std::size_t kWorthWaiting = 16;
// Waiting sequences that are looked at in a step, for each that may run.
constexpr std::size_t kLookAhead = 2;

bool all_there(const PageSet& pages) {
  return std::all_of(pages.kv.begin(), pages.kv.end(), [](const PageRef& page) { return static_cast<bool>(page); });
}

// The longest text that a rope turns as if it were short; longer ones are turned by their own length.
std::size_t fixed_rope_length(const RopeScaling& scaling) {
  if (const auto* dynamic = std::get_if<RopeDynamic>(&scaling)) {
    return static_cast<std::size_t>(dynamic->original_context);
  }
  if (const auto* factors = std::get_if<RopeFactors>(&scaling)) {
    return static_cast<std::size_t>(factors->original_context);
  }
  return SIZE_MAX;
}

}  // namespace

Scheduler::Scheduler(const ModelSpec& spec, StatePools& pools, SchedulerOptions options)
    : spec_(spec), pools_(pools), options_(options) {
  options_.step_tokens = std::max<std::size_t>(options_.step_tokens, 1);
  options_.step_logits = std::max<std::size_t>(options_.step_logits, 1);
  const std::size_t rows = std::min(options_.step_tokens, options_.step_logits);  // each goes on by a token a step
  options_.max_running = std::clamp<std::size_t>(options_.max_running, 1, rows);
  longest_shared_ = longest_shared();
  most_pages_ = pools_.kv.limit();
  options_.soft_pages = std::min(options_.soft_pages, most_pages_);
  pools_.kv.set_limit(options_.soft_pages);
}

bool Scheduler::fits(std::size_t tokens, std::size_t loops) const {
  return SequenceState::most_pages(spec_, tokens, options_.step_tokens, loops) <= most_pages_;
}

std::uint64_t Scheduler::add(std::unique_ptr<Sequence> sequence) {
  CONTINUO_CHECK(fits(sequence->capacity(), sequence->state().loops()), "a sequence that no memory can hold");
  const std::uint64_t number = ++added_;
  sequence->set_number(number);
  if (sequence->finished()) {
    finished_.push_back(std::move(sequence));
  } else {
    waiting_.push_back(std::move(sequence));
  }
  return number;
}

void Scheduler::cancel(std::uint64_t number) {
  const auto waiting = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const auto& sequence) { return sequence->number() == number; });
  if (waiting != waiting_.end()) {
    (*waiting)->interrupt();
    finished_.push_back(std::move(*waiting));
    waiting_.erase(waiting);
    return;
  }
  const auto running =
      std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.sequence->number() == number; });
  if (running == running_.end()) return;
  unpin(*running);
  running->sequence->give_back_memory();
  running->sequence->interrupt();
  finished_.push_back(std::move(running->sequence));
  running_.erase(running);
}

std::span<const Planned> Scheduler::next() {
  plan_.clear();
  Left left{options_.step_tokens, options_.step_logits};
  plan_running(left);
  admit_waiting(left);
  CONTINUO_CHECK(!plan_.empty() || (running_.empty() && waiting_.empty()), "a step that nobody can take");
  return plan_;
}

// ---- running sequences ----

// Tokens of the sequence that the budget allows for.
std::size_t Scheduler::affordable(const Sequence& sequence, const Left& left) {
  const std::size_t n = std::min(
      {sequence.pending(), sequence.next_at_once(), left.tokens, sequence.step_end() - sequence.state().length()});
  const std::size_t logits = sequence.logits_wanted(n);
  return logits > left.logits ? n - (logits - left.logits) : n;
}

// Sequences share a recurrent state only where a step ends: a step of a prompt ends at the last page's boundary that
// waiting sequences have in common with it.
std::size_t Scheduler::up_to_branch(const Sequence& sequence, std::size_t tokens) const {
  if (!options_.share_prefixes || !sequence.state().has_recurrent() || tokens == 1) return tokens;
  const std::size_t from = sequence.state().length();
  std::size_t looks = kLookAhead * options_.max_running, last = from + tokens;
  for (auto other = waiting_.begin(); other != waiting_.end() && looks > 0; ++other, --looks) {
    if (other->get() == &sequence || kind(**other) != kind(sequence)) continue;
    const std::size_t common =
        common_beginning((*other)->tokens().first((*other)->shareable()), sequence.tokens()) / kPageKeys * kPageKeys;
    if (common > from && common < last) last = common;
  }
  return last - from;
}

void Scheduler::plan(Sequence& sequence, std::size_t tokens, Left& left) {
  sequence.state().reserve(tokens);
  left.tokens -= tokens;
  left.logits -= sequence.logits_wanted(tokens);
  plan_.push_back({&sequence, tokens});
}

void Scheduler::plan_running(Left& left) {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i].sequence;
    const std::size_t tokens = up_to_branch(sequence, affordable(sequence, left));
    if (tokens == 0) continue;
    while (i < running_.size() && !make_room(sequence.state().needs(tokens))) {
      if (running_.size() > 1 || !use_all_pages()) preempt_youngest();
    }
    if (i < running_.size()) plan(sequence, tokens, left);
  }
}

void Scheduler::preempt_youngest() {
  Running& youngest = running_.back();
  unpin(youngest);
  youngest.sequence->give_back_memory();
  waiting_.push_front(std::move(youngest.sequence));
  running_.pop_back();
  ++counts_.preempted;
}

bool Scheduler::make_room(StateNeeds needs, PrefixTree::Node* joining) {
  while (!needs.fits(pools_)) {
    if (!tree_.evict_one() && tree_.strip(joining) == 0 && !strip_running()) return false;
  }
  return true;
}

// For a sequence that is alone; false if it had them.
bool Scheduler::use_all_pages() {
  if (pools_.kv.limit() == most_pages_) return false;
  pools_.kv.set_limit(most_pages_);
  return true;
}

void Scheduler::back_to_soft_limit() {
  while (pools_.kv.in_use() > options_.soft_pages && tree_.evict_one()) {
  }
  if (pools_.kv.in_use() <= options_.soft_pages) pools_.kv.set_limit(options_.soft_pages);
}

// Gives back what windows have left behind.
bool Scheduler::strip_running() {
  std::size_t pages = 0;
  for (const Running& running : running_) pages += tree_.strip(running.node);
  return pages > 0;
}

// ---- waiting sequences ----

void Scheduler::admit_waiting(Left& left) {
  std::size_t looks = kLookAhead * options_.max_running;
  for (auto at = waiting_.begin(); at != waiting_.end() && looks > 0; --looks) {
    if (running_.size() == options_.max_running || left.tokens == 0 || left.logits == 0) return;
    const bool alone = pools_.kv.limit() > options_.soft_pages;  // one runs that needs more than its share
    if (alone && !running_.empty()) return;
    Running running;
    const Admission admission = admit(**at, running);
    if (admission == Admission::no_memory) return;
    if (admission == Admission::waits) {
      ++at;
      continue;
    }
    running.sequence = std::move(*at);
    at = waiting_.erase(at);
    counts_.shared += running.sequence->state().length();
    running_.push_back(std::move(running));
    Sequence& sequence = *running_.back().sequence;
    if (const std::size_t tokens = up_to_branch(sequence, affordable(sequence, left)); tokens > 0) {
      if (!make_room(sequence.state().needs(tokens))) return;
      plan(sequence, tokens, left);
    }
  }
}

Scheduler::Admission Scheduler::admit(Sequence& sequence, Running& running) {
  if (options_.share_prefixes && about_to_be_computed(sequence, known_beginning(sequence, true).tokens()))
    return Admission::waits;
  // A page of which a part is copied may stand in the way of the copy.
  if (begin(sequence, running, true) || begin(sequence, running, false)) return Admission::joins;
  if (running_.empty() && use_all_pages() && begin(sequence, running, false)) return Admission::joins;
  return Admission::no_memory;
}

// What of a beginning the sequence can go on from.
PrefixTree::Found Scheduler::known_beginning(const Sequence& sequence, bool with_partial) {
  const auto tokens = sequence.tokens().first(sequence.shareable());
  auto found = sequence.state().has_recurrent() ? tree_.find_recurrent(kind(sequence), tokens)
                                                : tree_.find(kind(sequence), tokens);
  if (found.partial && (!with_partial || !all_there(*found.partial))) found.leave_out_partial();
  while (!sequence.state().can_share(found)) found.shorten();
  return found;
}

// Gives it what is known of its beginning, and makes sure of the memory for the rest of its prompt. False: there is too
// little, and it has none.
bool Scheduler::begin(Sequence& sequence, Running& running, bool with_partial) {
  PageSet partial;
  std::size_t partial_tokens = 0;
  if (options_.share_prefixes) {
    // First, as it may cost what is known.
    if (!make_room({.recurrent_blocks = sequence.state().needs(0).recurrent_blocks})) return false;
    const auto found = known_beginning(sequence, with_partial);
    running.node = found.nodes.back();
    tree_.pin(running.node);
    running.known_pages = found.whole.size();
    sequence.state().share(found);
    if (found.partial) partial = *found.partial;
    partial_tokens = found.partial_tokens;
  }
  // A page a layer for each that runs already: they grow.
  StateNeeds needs = sequence.state().most_needs(sequence.pending(), options_.step_tokens);
  for (const Running& other : running_) needs.kv_pages += other.sequence->state().kv_slots();
  if (make_room(needs, running.node)) {
    if (partial_tokens > 0) sequence.state().copy(partial, partial_tokens);
    return true;
  }
  unpin(running);
  sequence.give_back_memory();
  return false;
}

bool Scheduler::about_to_be_computed(const Sequence& sequence, std::size_t known) const {
  const auto tokens = sequence.tokens().first(sequence.shareable());
  if (tokens.size() < known + kWorthWaiting) return false;
  // A recurrent state is shared at the boundaries of pages alone.
  const std::size_t unit = sequence.state().has_recurrent() ? kPageKeys : 1;
  return std::any_of(running_.begin(), running_.end(), [&](const Running& other) {
    if (other.sequence->pending() <= 1 || kind(*other.sequence) != kind(sequence)) return false;
    const std::size_t common = common_beginning(tokens, other.sequence->tokens()) / unit * unit;
    return common >= known + kWorthWaiting && (unit == 1 || common > other.sequence->state().length());
  });
}

std::size_t Scheduler::longest_shared() const {
  std::size_t longest = SIZE_MAX;
  for (const LayerSpec& layer : spec_.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    if (attention && attention->rope) longest = std::min(longest, fixed_rope_length(attention->rope->scaling));
  }
  return longest;
}

// Texts share a beginning only if its positions are turned alike, by the same network with as many loops.
TextKind Scheduler::kind(const Sequence& sequence) const {
  const std::size_t length = sequence.prompt_length();
  return {.rope_length = length > longest_shared_ ? length : 0,
          .adapter = sequence.adapter(),
          .loops = sequence.state().loops()};
}

// ---- beginnings from elsewhere ----

void Scheduler::adopt(const SavedState& beginning, std::size_t adapter) {
  const std::span<const TokenId> tokens = beginning.tokens;
  PrefixTree::Node* node = tree_.find({.adapter = adapter, .loops = loops_of(spec_)}, {}).nodes.back();
  for (std::size_t page = 0, from = 0; from < tokens.size(); ++page, from += kPageKeys) {
    const std::size_t n = std::min(kPageKeys, tokens.size() - from);
    PageSet pages;
    for (const std::vector<PageRef>& cache : beginning.kv) pages.kv.push_back(cache[page]);
    for (const SavedState::Recurrent& state : beginning.recurrent) {
      if (state.length != from + n || pools_.recurrent.available() == 0) continue;
      pages.recurrent = pools_.recurrent.take();
      std::memcpy(pages.recurrent.bytes(), state.floats.data(), state.floats.size() * sizeof(float));
    }
    node = tree_.insert(node, tokens.subspan(from, n), std::move(pages));
  }
}

// ---- after the step ----

std::vector<std::unique_ptr<Sequence>> Scheduler::retire() {
  for (const Planned& planned : plan_) counts_.computed += planned.tokens;
  auto done = std::exchange(finished_, {});
  for (Running& running : running_) {
    if (!running.sequence->finished() && running.sequence->has_gone_back()) {
      // What it computed of another text may be shared already: it joins anew, with what is known of its beginning.
      unpin(running);
      running.sequence->give_back_memory();
      waiting_.push_front(std::move(running.sequence));
      continue;
    }
    remember(running);
    running.sequence->state().drop_out_of_window();
    if (!running.sequence->finished()) continue;
    unpin(running);
    running.sequence->give_back_memory();
    done.push_back(std::move(running.sequence));
  }
  std::erase_if(running_, [](const Running& running) { return !running.sequence; });
  back_to_soft_limit();
  return done;
}

std::vector<std::unique_ptr<Sequence>> Scheduler::clear() {
  auto all = std::exchange(finished_, {});
  for (Running& running : running_) {
    unpin(running);
    running.sequence->give_back_memory();
    all.push_back(std::move(running.sequence));
  }
  running_.clear();
  std::move(waiting_.begin(), waiting_.end(), std::back_inserter(all));
  waiting_.clear();
  return all;
}

void Scheduler::unpin(Running& running) {
  if (running.node) tree_.unpin(std::exchange(running.node, nullptr));
}

// Puts the pages that are computed into the tree; those that will be filled further when the prompt is read,
// and at the end.
void Scheduler::remember(Running& running) {
  if (!running.node) return;
  const Sequence& sequence = *running.sequence;
  // Tokens that may have stopped early are not what they are in another sequence.
  const std::size_t computed = std::min(sequence.state().length(), sequence.whole_loops());
  const auto insert = [&](std::size_t n) {
    const auto tokens = sequence.tokens().subspan(running.known_pages * kPageKeys, n);
    const bool keep_recurrent = running.known_pages * kPageKeys + n == computed && n == kPageKeys &&
                                computed <= sequence.prompt_length() && pools_.recurrent.available() > 0;
    return tree_.insert(running.node, tokens, sequence.state().page_set(running.known_pages, keep_recurrent));
  };
  for (; (running.known_pages + 1) * kPageKeys <= computed; ++running.known_pages) {
    PrefixTree::Node* const node = insert(kPageKeys);
    tree_.pin(node);
    tree_.unpin(running.node);
    running.node = node;
  }
  const bool prompt_read = sequence.pending() <= 1 && !running.prompt_known;
  if (!prompt_read && !sequence.finished()) return;
  running.prompt_known = true;
  if (sequence.state().has_recurrent()) return;  // the rest of a page cannot be copied
  if (const std::size_t rest = computed - running.known_pages * kPageKeys; rest > 0) insert(rest);
}

}  // namespace continuo
