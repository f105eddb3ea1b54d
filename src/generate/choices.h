// Which tokens may come next in a continuation: those that a request allows, that its grammar goes on with,
// and that spell no banned text.
//
// A banned text may take several tokens. Where the newest one completes it, the text goes back to the token
// with which it begins, and another is drawn there: the text is what would have been drawn if that token had
// no probability there. Until it is sure that no banned text begins with it, a token is held.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "generate/phrases.h"
#include "grammar/grammar.h"
#include "text/tokenizer.h"

namespace continuo {

// Texts that must not come, and what they say of a vocabulary.
struct BannedTexts {
  BannedTexts(const Tokenizer& tokenizer, const std::vector<std::string>& texts);

  Phrases phrases;
  std::vector<std::string> bytes;     // of each token
  std::vector<std::uint64_t> spells;  // a bit a token: those that have a banned text in them
};

class Choices {
 public:
  // `allowed`: tokens; empty: all. `ends`: those that end a text. `banned`, `grammar`: null if there are
  // none.
  Choices(std::span<const TokenId> allowed, std::size_t vocab_size, std::span<const TokenId> ends,
          std::shared_ptr<const BannedTexts> banned, std::shared_ptr<const Grammar> grammar);

  // Those that may come next; empty: all. None may, and `failed()`, if the grammar takes too much memory.
  std::span<const std::uint64_t> allowed();
  bool failed() const { return failed_; }

  // Takes a token that was allowed. Returns how many tokens, this one included, have to be taken back: 0,
  // unless a banned text stands there now. They are forgotten, and the first of them is not allowed there
  // again.
  std::size_t add(TokenId token);
  // How many of the newest tokens may still have to be taken back.
  std::size_t held() const { return held_.size(); }

  // The only token that may come next, if there is one alone.
  std::optional<TokenId> forced();
  // Whether nothing but the end may come.
  bool complete();
  // Whether the text so far is all that it has to be.
  bool may_end() const { return !grammar_ || grammar_->may_end(state_); }

 private:
  struct Held {
    TokenId token;
    std::size_t bytes;
    Phrases::State phrase;  // before it
    Grammar::State state;
    std::vector<TokenId> refused;
  };
  std::size_t take_back(std::size_t tokens);
  void release();

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const BannedTexts> banned_;
  std::vector<TokenId> ends_;
  std::vector<std::uint64_t> always_, now_;  // allowed wherever; allowed next
  bool restricted_ = false;                  // `always_` is not all
  bool current_ = false;                     // `now_` is
  bool failed_ = false;
  Grammar::State state_;
  Phrases::State phrase_ = 0;
  std::deque<Held> held_;
  std::vector<TokenId> refused_;  // at the next position
};

}  // namespace continuo
