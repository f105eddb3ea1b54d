// The tokens of a text so far, in order and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"

namespace continuo {

class History {
 public:
  struct Seen {
    TokenId token;
    std::uint32_t count;  // in the continuation
    std::uint32_t total;  // in prompt and continuation
  };

  // Counts are those of the last `last_n` tokens; -1: of all.
  explicit History(int last_n = -1) : last_n_(last_n) {}

  void add_prompt(TokenId token) {
    ++prompt_;
    push(token, 0);
  }
  void add(TokenId token) { push(token, 1); }
  // Distinct tokens of prompt and continuation, in order of appearance; those that left the window count 0.
  std::span<const Seen> seen() const { return seen_; }
  std::span<const TokenId> text() const { return text_; }
  std::size_t generated() const { return text_.size() - prompt_; }

 private:
  void push(TokenId token, std::uint32_t generated);
  Seen& entry(TokenId token);
  std::uint32_t& slot(TokenId token);
  void grow();

  int last_n_;
  std::size_t prompt_ = 0;
  std::vector<TokenId> text_;
  std::vector<Seen> seen_;
  std::vector<std::uint32_t> slots_;  // open addressing: index in seen_ + 1, or 0; at most half are taken
};

}  // namespace continuo
