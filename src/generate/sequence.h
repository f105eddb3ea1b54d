// A text on its way through the network: what is computed of it, and what it wants to know. The scheduler and
// the engine see no more of a request than this.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "generate/drafter.h"
#include "model/exit_rule.h"
#include "model/spec.h"
#include "sampling/sampler.h"
#include "state/sequence_state.h"

namespace continuo {

// What may be the cause where scores are no numbers.
inline constexpr const char* kNoScores = "are the weights damaged, or did a state overflow?";

class Sequence {
 public:
  // `tokens` is not empty, and at most `capacity` tokens are ever computed. `spec` and `pools` outlive the
  // sequence. `loops`, `exit`: of networks that have loops.
  Sequence(const ModelSpec& spec, StatePools& pools, std::vector<TokenId> tokens, std::size_t capacity,
           std::size_t adapter = 0, std::size_t loops = 0, ExitRule exit = {})
      : capacity_(capacity),
        prompt_length_(tokens.size()),
        adapter_(adapter),
        tokens_(std::move(tokens)),
        state_(spec, pools, capacity, prompt_length_, loops),
        exit_(exit) {
    constexpr std::size_t kSoonDrawn = 4096;  // a file may declare any length
    tokens_.reserve(std::max(prompt_length_, std::min(capacity, prompt_length_ + kSoonDrawn)));
  }
  virtual ~Sequence() = default;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  bool finished() const { return finished_; }
  // Among all that a scheduler took in; it is the scheduler's to set.
  std::uint64_t number() const { return number_; }
  void set_number(std::uint64_t number) { number_ = number; }
  // The prompt, and what was drawn.
  std::span<const TokenId> tokens() const { return std::span(tokens_).first(tokens_.size() - drafts_); }
  std::size_t prompt_length() const { return prompt_length_; }
  std::size_t capacity() const { return capacity_; }
  SequenceState& state() { return state_; }
  const SequenceState& state() const { return state_; }

  // Tokens that are known and not computed; at least one while the sequence is not finished.
  std::size_t pending() const { return wanted_tokens() - state_.length(); }
  // The next n of them (drafts may follow), and for how many of those (the last ones) the logits are wanted.
  std::span<const TokenId> next_tokens(std::size_t n) const { return std::span(tokens_).subspan(state_.length(), n); }
  std::size_t logits_wanted(std::size_t n) const {
    const std::size_t end = state_.length() + n;
    return end - std::clamp(logits_from(), state_.length(), end);
  }
  // Tokens whose logits nobody wants: as many may come from another sequence that begins alike.
  std::size_t shareable() const { return std::min({logits_from(), wanted_tokens() - 1, whole_loops()}); }

  // ---- loops ----
  ExitRule exit() const { return exit_; }
  // The first so many tokens go through all loops, whatever the exit rule: the prompt but for its last token.
  std::size_t whole_loops() const { return exit_ ? prompt_length_ - 1 : SIZE_MAX; }
  // How many of the next tokens may go in one step: one by one, where they may stop early.
  std::size_t next_at_once() const {
    const std::size_t whole = whole_loops();
    return state_.length() < whole ? whole - state_.length() : 1;
  }

  // The length at which its next step ends at the latest.
  virtual std::size_t step_end() const { return SIZE_MAX; }
  // Which adapters take part (Model::adapters).
  std::size_t adapter() const { return adapter_; }

  // ---- drafts: tokens that are guessed to come next, and computed together with the one that is known ----
  // Who may guess them.
  virtual std::span<Drafter* const> drafters() const { return {}; }
  // The most that can be of use.
  std::size_t most_drafts() const {
    const bool may = pending() == 1 && !exit_ && !drafters().empty();
    return may ? capacity_ - std::min(capacity_, tokens().size() + 1) : 0;
  }
  // Drafts n of them, until accept().
  virtual void draft(const Drafter&, std::size_t) {}
  std::size_t drafts() const { return drafts_; }

  // Loops that the network went through for the newest logits; before look().
  virtual void set_loops(std::size_t) {}
  // The logits after a position, once for each that is wanted; by any thread, for different positions at the
  // same time. Those after the last token that is known come with those after each draft.
  virtual void look(std::size_t position, std::span<const float> logits, SamplingScratch& scratch) = 0;
  // After all of a step's have been looked at. No draft is left.
  virtual void accept() = 0;
  // Ends it as it is.
  virtual void interrupt() = 0;
  // Tells who asked. Called once, when the sequence is finished.
  virtual void answer() = 0;

  // Whether tokens were taken back that are computed: the memory has to be given back before it goes on.
  bool has_gone_back() const { return state_.length() >= tokens_.size(); }

  // Forgets what is computed, and all that can be made again later.
  virtual void give_back_memory() { state_.rewind(0); }

 protected:
  // The first position whose logits are wanted.
  virtual std::size_t logits_from() const = 0;
  // Tokens to be computed, of those that are known.
  virtual std::size_t wanted_tokens() const { return tokens().size(); }
  // While there are no drafts.
  void append(TokenId token) { tokens_.push_back(token); }
  // Gives up the newest n tokens, while there are no drafts.
  void take_back(std::size_t n) { tokens_.resize(tokens_.size() - n); }
  void append_draft(TokenId token) {
    tokens_.push_back(token);
    ++drafts_;
  }
  std::span<const TokenId> tokens_and_drafts() const { return tokens_; }
  void drop_drafts() { tokens_.resize(tokens_.size() - std::exchange(drafts_, 0)); }
  void set_finished() { finished_ = true; }

 private:
  std::size_t capacity_, prompt_length_, adapter_;
  std::vector<TokenId> tokens_;  // drafts at the end
  std::size_t drafts_ = 0;
  SequenceState state_;
  ExitRule exit_;
  bool finished_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace continuo
