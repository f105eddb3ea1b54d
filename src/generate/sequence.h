// A text on its way through the network: what is computed of it, and what it wants to know. The scheduler and
// the engine see no more of a request than this.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "model/spec.h"
#include "state/sequence_state.h"

namespace continuo {

class Sequence {
 public:
  // `tokens` is not empty, and at most `capacity` tokens are ever computed. `spec` and `pool` outlive the
  // sequence.
  Sequence(const ModelSpec& spec, PagePool& pool, std::vector<TokenId> tokens, std::size_t capacity)
      : spec_(spec),
        pool_(pool),
        capacity_(capacity),
        prompt_length_(tokens.size()),
        tokens_(std::move(tokens)),
        state_(spec, pool, capacity, prompt_length_) {}
  virtual ~Sequence() = default;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  bool finished() const { return finished_; }
  std::span<const TokenId> tokens() const { return tokens_; }  // the prompt, and what was drawn
  std::size_t prompt_length() const { return prompt_length_; }
  std::size_t capacity() const { return capacity_; }
  SequenceState& state() { return state_; }
  const SequenceState& state() const { return state_; }

  // Tokens that are known and not computed; at least one while the sequence is not finished.
  std::size_t pending() const { return wanted_tokens() - state_.length(); }
  // The next n of them, and for how many of those (the last ones) the logits are wanted.
  std::span<const TokenId> next_tokens(std::size_t n) const { return tokens().subspan(state_.length(), n); }
  std::size_t logits_wanted(std::size_t n) const {
    const std::size_t end = state_.length() + n;
    return end - std::clamp(logits_from(), state_.length(), end);
  }
  // Tokens whose logits nobody wants: as many may come from another sequence that begins alike.
  std::size_t shareable() const { return std::min(logits_from(), wanted_tokens() - 1); }

  // The logits after a position, once for each that is wanted; by any thread, for different positions at the
  // same time.
  virtual void look(std::size_t position, std::span<const float> logits) = 0;
  // After all of a step's have been looked at.
  virtual void accept() = 0;
  // Ends it as it is.
  virtual void interrupt() = 0;
  // Tells who asked. Called once, when the sequence is finished.
  virtual void answer() = 0;

  // Forgets what is computed, and all that can be made again later.
  virtual void give_back_memory() { state_.rewind(0); }

 protected:
  // The first position whose logits are wanted.
  virtual std::size_t logits_from() const = 0;
  // Tokens to be computed, of those that are known.
  virtual std::size_t wanted_tokens() const { return tokens_.size(); }
  void append(TokenId token) { tokens_.push_back(token); }
  void set_finished() { finished_ = true; }

 private:
  const ModelSpec& spec_;
  PagePool& pool_;
  std::size_t capacity_, prompt_length_;
  std::vector<TokenId> tokens_;
  SequenceState state_;
  bool finished_ = false;
};

}  // namespace continuo
