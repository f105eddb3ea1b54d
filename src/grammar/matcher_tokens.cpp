// The tokens that a set of configurations allows.
#include <algorithm>

#include "grammar/matcher.h"

namespace continuo {

namespace {

constexpr std::size_t kMostTokensMemory = std::size_t{64} << 20;  // bytes of what sets allow

void set(TokenBits& bits, TokenId id) { bits[static_cast<std::size_t>(id) / 64] |= 1ull << (id % 64); }

}  // namespace

void Matcher::trim_tokens() {
  const std::size_t bytes = (trie_->vocab_size() + 63) / 64 * sizeof(std::uint64_t);
  if (tokens_kept_ * bytes < kMostTokensMemory) return;
  for (Set& known : sets_) known.tokens = nullptr;
  parts_.clear();
  copied_.clear();
  tokens_kept_ = 0;
}

Grammar::Tokens Matcher::allowed(std::uint32_t set) {
  const std::lock_guard lock(mutex_);
  if (sets_[set].tokens) return sets_[set].tokens;
  Grammar::Tokens tokens = set == kTooLarge ? nullptr : find_tokens(set);
  if (!tokens) return nullptr;
  trim_tokens();
  ++tokens_kept_;
  return sets_[set].tokens = std::move(tokens);
}

// Null: too much memory.
std::shared_ptr<TokenBits> Matcher::find_tokens(std::uint32_t set) {
  const std::uint32_t plain = sets_[set].plain;
  const Beside beside = plain == kUnbounded ? kUnbounded : std::min<std::uint32_t>(plain, TokenTrie::kMostPlain);
  auto bits = beside == 0 ? std::make_shared<TokenBits>((trie_->vocab_size() + 63) / 64)
                          : std::make_shared<TokenBits>(trie_->plain(beside == kUnbounded ? 0 : beside));
  std::vector<Configuration> all = *sets_[set].configurations;
  if (!all.empty() && all.back().state == kUnknown) all.pop_back();
  std::stable_sort(all.begin(), all.end(),
                   [](const Configuration& a, const Configuration& b) { return a.stack < b.stack; });
  for (auto first = all.begin(); first != all.end();) {
    const std::uint32_t stack = first->stack;
    const auto last = std::find_if(first, all.end(), [&](const Configuration& c) { return c.stack != stack; });
    std::vector<Configuration> local(first, last);
    for (Configuration& c : local) c.stack = 0;
    first = last;
    const std::uint32_t inner = intern(std::move(local), false, 0);
    const std::optional<Copied> in_copies = plain == kUnbounded ? std::nullopt : copied(inner, plain);
    const Beside part_beside = in_copies ? kUnbounded : beside;
    const SharedMasks::Ref part = in_copies ? copied_mask(inner, *in_copies) : part_mask(inner, beside);
    if (!part) return nullptr;
    for (std::size_t i = 0; i < part->bits.size(); ++i) (*bits)[i] |= part->bits[i];
    for (const TokenId id : part->tokens) continuo::set(*bits, id);
    if (stack == 0 || part->exits.empty()) continue;
    const auto [known, is_new] = returns_.try_emplace(stack, kDead);
    if (is_new) {
      const Frame back = frames_[stack];
      const std::uint32_t made = closed({{back.state, back.members, back.below}});
      returns_[stack] = made;
    }
    if (!walk_on(part->exits, returns_[stack], part_beside, *bits)) return nullptr;
  }
  return bits;
}

SharedMasks::Ref Matcher::part_mask(std::uint32_t part, Beside beside) {
  if (part == kTooLarge) return nullptr;
  const auto known = parts_.find({part, beside});
  if (known != parts_.end()) return known->second;
  const std::optional<std::string> description = takes_many_bytes(part) ? describe(part, beside) : std::nullopt;
  SharedMasks::Ref mask = description ? trie_->shared().find(*description) : nullptr;
  if (!mask) {
    mask = walk_part(part, beside);
    if (mask && description) trie_->shared().keep(*description, mask);
  }
  if (mask) memory_ += mask->bytes();
  return parts_[{part, beside}] = mask;
}

const Automaton::Copies* Matcher::copies_of(std::uint32_t state) const {
  const auto& all = automaton_->copies;
  const auto behind = std::upper_bound(
      all.begin(), all.end(), state, [](std::uint32_t s, const Automaton::Copies& copies) { return s < copies.first; });
  return behind == all.begin() || state >= std::prev(behind)->last ? nullptr : &*std::prev(behind);
}

// A part that takes plain characters in one copy alone, of which `plain` are left. Of plain tokens it allows those of
// up to so many characters, and only the others have to be walked.
std::optional<Matcher::Copied> Matcher::copied(std::uint32_t part, std::uint32_t plain) const {
  if (part <= kTooLarge || plain == 0) return std::nullopt;
  Copied found{nullptr, 0, *sets_[part].configurations};
  for (Configuration& c : found.as_last) {
    const Automaton::Copies* const copies = copies_of(c.state);
    if (!copies) {
      const ByteSet& set = automaton_->sets[automaton_->states[c.state].a];
      for (std::size_t b = 0x20; b < 256; ++b) {
        if (b != '"' && b != '\\' && set[automaton_->byte_class[b]]) return std::nullopt;
      }
      continue;
    }
    const std::uint32_t index = (c.state - copies->first) / copies->stride;
    if (found.copies && (found.copies != copies || found.index != index)) return std::nullopt;
    found.copies = copies;
    found.index = index;
    c.state = copies->first + (c.state - copies->first) % copies->stride;
  }
  if (!found.copies || found.index + 1 != plain) return std::nullopt;
  return found;
}

SharedMasks::Ref Matcher::copied_mask(std::uint32_t part, const Copied& copied) {
  const auto known = copied_.find(copied.as_last);
  if (known != copied_.end() && copied.index >= known->second.least) return known->second.mask;
  std::uint32_t lowest = copied.index;
  const SharedMasks::Ref mask = walk_part(part, kUnbounded, copied.copies, &lowest);
  // Where a copy is left below the lowest one, all that have as many of them below allow the same.
  if (mask && lowest > 0) {
    copied_[copied.as_last] = {copied.index - lowest + 1, mask};
    memory_ += mask->bytes();
  }
  return mask;
}

std::uint32_t Matcher::lowest_copy(std::uint32_t set, const Automaton::Copies& copies) const {
  std::uint32_t lowest = kUnknown;
  for (const Configuration& c : *sets_[set].configurations) {
    if (c.state >= copies.first && c.state < copies.last)
      lowest = std::min(lowest, (c.state - copies.first) / copies.stride);
  }
  return lowest;
}

SharedMasks::Ref Matcher::walk_part(std::uint32_t part, Beside beside, const Automaton::Copies* copies,
                                    std::uint32_t* lowest) {
  const ByteTrie& trie = trie_of(beside);
  const auto& nodes = trie.nodes();
  PartMask mask;
  std::vector<Visit> work = {{0, part}};
  while (!work.empty()) {
    const auto [at, before] = work.back();
    work.pop_back();
    const ByteTrie::Node& parent = nodes[at];
    for (std::uint32_t child = parent.first_child; child < parent.first_child + parent.children; ++child) {
      const ByteTrie::Node& node = nodes[child];
      if (beside != kUnbounded && node.plain <= beside) continue;
      const std::uint32_t next = step(before, node.byte);
      if (next == kDead) continue;
      if (next == kTooLarge) return nullptr;
      if (lowest) *lowest = std::min(*lowest, lowest_copy(next, *copies));
      mask.tokens.insert(mask.tokens.end(), trie.ids().begin() + node.first_token,
                         trie.ids().begin() + node.first_token + node.tokens);
      if (node.children == 0) continue;
      if (sets_[next].may_end) mask.exits.push_back(child);
      work.push_back({child, next});
    }
  }
  if (mask.tokens.size() > trie_->vocab_size() / 32) {
    mask.bits.assign((trie_->vocab_size() + 63) / 64, 0);
    for (const TokenId id : mask.tokens) set(mask.bits, id);
    mask.tokens.clear();
  }
  mask.tokens.shrink_to_fit();
  return std::make_shared<const PartMask>(std::move(mask));
}

// From the midst of tokens at which a part has ended.
bool Matcher::walk_on(const std::vector<std::uint32_t>& exits, std::uint32_t set, Beside beside, TokenBits& bits) {
  if (set == kTooLarge) return false;
  const ByteTrie& trie = trie_of(beside);
  const auto& nodes = trie.nodes();
  std::vector<Visit> work;
  for (const std::uint32_t exit : exits) {
    work.push_back({exit, set});
    while (!work.empty()) {
      const auto [at, before] = work.back();
      work.pop_back();
      const ByteTrie::Node& parent = nodes[at];
      for (std::uint32_t child = parent.first_child; child < parent.first_child + parent.children; ++child) {
        const ByteTrie::Node& node = nodes[child];
        if (beside != kUnbounded && node.plain <= beside) continue;
        const std::uint32_t next = step(before, node.byte);
        if (next == kDead) continue;
        if (next == kTooLarge) return false;
        for (std::uint32_t t = node.first_token; t < node.first_token + node.tokens; ++t)
          continuo::set(bits, trie.ids()[t]);
        if (node.children > 0) work.push_back({child, next});
      }
    }
  }
  return true;
}

// Whether a walk takes longer than to look for the part among the shared ones.
bool Matcher::takes_many_bytes(std::uint32_t part) const {
  constexpr std::uint16_t kMany = 8;
  return std::any_of(sets_[part].configurations->begin(), sets_[part].configurations->end(),
                     [&](const Configuration& c) { return set_sizes_[automaton_->states[c.state].a] >= kMany; });
}

// What can be reached inside a part, written down: parts of other grammars that are written alike allow the same.
// Nothing where that would take longer than a walk.
std::optional<std::string> Matcher::describe(std::uint32_t part, Beside beside) const {
  constexpr std::size_t kMostStates = 600;
  std::string text(reinterpret_cast<const char*>(&beside), sizeof beside);
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;
  std::vector<std::uint32_t> order;
  const auto write = [&](std::uint32_t value) { text.append(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto write_state = [&](std::uint32_t state) {
    const auto [number, is_new] = numbers.try_emplace(state, static_cast<std::uint32_t>(numbers.size()));
    if (is_new) order.push_back(state);
    write(number->second);
  };
  write(static_cast<std::uint32_t>(sets_[part].configurations->size()));
  for (const Configuration& c : *sets_[part].configurations) {
    if (c.members != 0) return std::nullopt;
    write_state(c.state);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order.size() > kMostStates) return std::nullopt;
    const AutomatonState& state = automaton_->states[order[i]];
    text += static_cast<char>(state.kind);
    text += leads_on(order[i]) ? '+' : '-';
    switch (state.kind) {
      case StateOp::bytes: {
        const ByteSet& classes = automaton_->sets[state.a];
        std::array<std::uint8_t, 32> bytes{};
        for (std::size_t b = 0; b < 256; ++b) {
          if (classes[automaton_->byte_class[b]]) bytes[b / 8] |= static_cast<std::uint8_t>(1u << (b % 8));
        }
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        write_state(state.b);
        break;
      }
      case StateOp::split:
        write_state(state.a);
        write_state(state.b);
        break;
      case StateOp::plain:
        write_state(state.a);
        write(state.b);
        break;
      case StateOp::call:
        write_state(automaton_->rule_starts[state.a]);
        write_state(state.b);
        break;
      case StateOp::end:
        break;
      default:
        return std::nullopt;
    }
  }
  return text;
}

}  // namespace continuo
