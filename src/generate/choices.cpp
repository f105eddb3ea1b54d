#include "generate/choices.h"

#include <algorithm>
#include <bit>

namespace continuo {

namespace {

using Bits = std::vector<std::uint64_t>;

void set(Bits& bits, TokenId id) { bits[static_cast<std::size_t>(id) / 64] |= 1ull << (id % 64); }
void clear(Bits& bits, TokenId id) { bits[static_cast<std::size_t>(id) / 64] &= ~(1ull << (id % 64)); }

}  // namespace

BannedTexts::BannedTexts(const Tokenizer& tokenizer, const std::vector<std::string>& texts)
    : phrases(texts), spells((tokenizer.vocab_size() + 63) / 64) {
  bytes.reserve(tokenizer.vocab_size());
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    bytes.push_back(tokenizer.bytes_of(static_cast<TokenId>(id)));
    Phrases::State state = 0;
    for (const char c : bytes.back()) {
      state = phrases.next(state, static_cast<unsigned char>(c));
      if (phrases.match(state) > 0) set(spells, static_cast<TokenId>(id));
    }
  }
}

Choices::Choices(std::span<const TokenId> allowed, std::size_t vocab_size, std::span<const TokenId> ends,
                 std::shared_ptr<const BannedTexts> banned, std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)), banned_(std::move(banned)), ends_(ends.begin(), ends.end()) {
  restricted_ = !allowed.empty() || banned_;
  always_.assign((vocab_size + 63) / 64, allowed.empty() ? ~0ull : 0);
  if (vocab_size % 64 != 0) always_.back() &= (1ull << (vocab_size % 64)) - 1;
  for (const TokenId id : allowed) set(always_, id);
  if (banned_) {
    for (std::size_t i = 0; i < std::min(always_.size(), banned_->spells.size()); ++i)
      always_[i] &= ~banned_->spells[i];
  }
  if (grammar_) state_ = grammar_->start();
}

std::span<const std::uint64_t> Choices::allowed() {
  if (!grammar_ && !restricted_ && refused_.empty()) return {};
  if (current_) return now_;
  now_ = always_;
  if (grammar_) {
    const Grammar::Tokens tokens = grammar_->allowed(state_);
    failed_ = !tokens;
    for (std::size_t i = 0; i < now_.size(); ++i) now_[i] &= tokens && i < tokens->size() ? (*tokens)[i] : 0;
    if (grammar_->may_end(state_)) {
      for (const TokenId id : ends_) set(now_, id);
    }
  }
  for (const TokenId id : refused_) clear(now_, id);
  current_ = true;
  return now_;
}

// A token that ends the text has no bytes here.
std::size_t Choices::add(TokenId token) {
  current_ = false;
  if (std::find(ends_.begin(), ends_.end(), token) != ends_.end()) {
    held_.clear();
    refused_.clear();
    return 0;
  }
  if (!banned_) {
    if (grammar_) state_ = grammar_->advance(state_, grammar_->bytes(token));
    return 0;
  }
  const auto at = static_cast<std::size_t>(token);
  const std::string_view bytes = at < banned_->bytes.size() ? std::string_view(banned_->bytes[at]) : "";
  held_.push_back({token, bytes.size(), phrase_, state_, std::exchange(refused_, {})});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    phrase_ = banned_->phrases.next(phrase_, static_cast<unsigned char>(bytes[i]));
    if (const std::size_t size = banned_->phrases.match(phrase_); size > 0) {
      // The token in which the banned text begins.
      std::size_t tokens = 1;
      for (std::size_t before = i + 1; before < size && tokens < held_.size(); ++tokens)
        before += held_[held_.size() - 1 - tokens].bytes;
      return take_back(tokens);
    }
  }
  if (grammar_) state_ = grammar_->advance(state_, grammar_->bytes(token));
  release();
  return 0;
}

std::size_t Choices::take_back(std::size_t tokens) {
  Held& first = held_[held_.size() - tokens];
  phrase_ = first.phrase;
  state_ = first.state;
  refused_ = std::move(first.refused);
  refused_.push_back(first.token);
  held_.resize(held_.size() - tokens);
  return tokens;
}

// Lets go of the tokens that are older than the banned text that may be coming.
void Choices::release() {
  const std::size_t depth = banned_->phrases.depth(phrase_);
  std::size_t kept = 0;
  for (std::size_t bytes = 0; bytes < depth && kept < held_.size(); ++kept)
    bytes += held_[held_.size() - 1 - kept].bytes;
  held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(kept));
}

std::optional<TokenId> Choices::forced() {
  if (!grammar_) return std::nullopt;
  std::optional<TokenId> only;
  const auto bits = allowed();
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == 0) continue;
    if (only || !std::has_single_bit(bits[i])) return std::nullopt;
    only = static_cast<TokenId>(i * 64 + static_cast<std::size_t>(std::countr_zero(bits[i])));
  }
  return only;
}

bool Choices::complete() {
  if (!grammar_ || !grammar_->may_end(state_) || !refused_.empty()) return false;
  const Grammar::Tokens tokens = grammar_->allowed(state_);
  return tokens && std::all_of(tokens->begin(), tokens->end(), [](std::uint64_t bits) { return bits == 0; });
}

}  // namespace continuo
