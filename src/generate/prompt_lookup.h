// Drafts of what comes next, from what was there: "prompt lookup" (Saxena 2023). Where the end of a text occurred before,
// what followed then is the draft. Texts that edit, quote, list, or go in circles repeat themselves for long stretches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "generate/drafter.h"

namespace continuo {

class PromptLookup : public Drafter {
 public:
  // Takes memory for about `tokens` of them; more will do.
  explicit PromptLookup(std::size_t tokens);

  // `text` has grown by tokens that nobody drew. Constant time for each.
  void observe_prompt(std::span<const TokenId> text) { observe(text, false); }
  void observe(std::span<const TokenId> text) override { observe(text, true); }

  // The draft is what followed the longest earlier occurrence of the text's end that was found.
  bool available() const override { return match_ > 0; }
  // It goes on into itself: a text that repeats its last three tokens does so without end.
  TokenId token(std::size_t i, std::span<const TokenId> text) const override { return text[source_ + i]; }
  // Of such a length of the match, as of late.
  double probability(std::size_t i) const override;
  double cost(std::size_t) const override { return 0; }

 private:
  void observe(std::span<const TokenId> text, bool drawn);
  void search(std::span<const TokenId> text);
  void remember(std::span<const TokenId> text);
  std::uint32_t& newest(TokenId a, TokenId b);

  std::size_t length_ = 0;              // of the text that was observed
  std::size_t source_ = 0, match_ = 0;  // text[source_ - match_ .. source_) is the text's end
  std::vector<std::uint32_t>
      newest_;  // by hash of two tokens: where they stood last, as the position behind; 0: nowhere
  std::vector<std::uint32_t> previous_;  // by position behind two tokens: the one before of the same hash
  std::array<double, 6> hits_{0.3, 0.45, 0.6, 0.75, 0.85, 0.9};  // share of right drafts, by length of the match
};

}  // namespace continuo
