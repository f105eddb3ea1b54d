#include "generate/prompt_lookup.h"

#include <algorithm>
#include <bit>

namespace continuo {

namespace {

constexpr std::size_t kShortest = 2;    // tokens that must agree
constexpr std::size_t kLongest = 32;    // longer matches are as good
constexpr std::size_t kCandidates = 8;  // earlier occurrences that are compared
constexpr std::size_t kLeastSlots = 1 << 8, kMostSlots = 1 << 16;
constexpr double kLearning = 1.0 / 16;

// Matches of 2, 3, up to 5, up to 8, up to 16 tokens, and longer ones.
std::size_t kind_of_match(std::size_t match) {
  return match <= 3 ? match - 2 : match <= 5 ? 2 : match <= 8 ? 3 : match <= 16 ? 4 : 5;
}

}  // namespace

PromptLookup::PromptLookup(std::size_t tokens)
    : newest_(std::bit_ceil(std::clamp(tokens, kLeastSlots / 2, kMostSlots / 2)) * 2) {
  previous_.reserve(std::min(tokens, kMostSlots) + 1);
}

std::uint32_t& PromptLookup::newest(TokenId a, TokenId b) {
  const std::uint64_t pair = std::uint64_t{static_cast<std::uint32_t>(a)} << 32 | static_cast<std::uint32_t>(b);
  const std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;  // Knuth's multiplicative hashing: the upper bits are good
  return newest_[(hash >> 32) & (newest_.size() - 1)];
}

void PromptLookup::observe(std::span<const TokenId> text, bool drawn) {
  if (text.size() >= UINT32_MAX) return;  // positions are kept in 32 bits
  while (length_ < text.size()) {
    if (available()) {
      const bool right = text[source_] == text[length_];
      double& hits = hits_[kind_of_match(match_)];
      if (drawn) hits += ((right ? 1.0 : 0.0) - hits) * kLearning;
      match_ = right ? match_ + 1 : 0;
      ++source_;
    }
    ++length_;
    if (match_ < kLongest) search(text.first(length_));
    remember(text.first(length_));
  }
}

// A match that goes on stays, unless there is a longer one.
void PromptLookup::search(std::span<const TokenId> text) {
  if (text.size() < kShortest) return;
  std::uint32_t at = newest(text[text.size() - 2], text.back());
  for (std::size_t i = 0; i < kCandidates && at > 0; ++i, at = previous_[at]) {
    const std::size_t most = std::min<std::size_t>(at, kLongest);
    std::size_t match = 0;
    while (match < most && text[at - 1 - match] == text[text.size() - 1 - match]) ++match;
    if (match >= kShortest && match > match_) match_ = match, source_ = at;
  }
}

void PromptLookup::remember(std::span<const TokenId> text) {
  previous_.resize(text.size() + 1);
  if (text.size() < kShortest) return;
  std::uint32_t& slot = newest(text[text.size() - 2], text.back());
  previous_.back() = slot;
  slot = static_cast<std::uint32_t>(text.size());
}

double PromptLookup::probability(std::size_t i) const { return hits_[kind_of_match(match_ + i)]; }

}  // namespace continuo
