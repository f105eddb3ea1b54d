// One request on its way: what is computed, what is drawn, what text is certain.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "generate/request.h"
#include "generate/stop_matcher.h"
#include "model/model.h"
#include "sampling/sampler.h"
#include "state/sequence_state.h"
#include "text/stream_decoder.h"

namespace continuo {

class Sequence {
 public:
  // `request` is valid for `model`, and it, `model`, `tokenizer` (null: no text) and `sink` outlive the
  // sequence.
  Sequence(const Request& request, const Model& model, const Tokenizer* tokenizer, const Sink& sink);

  bool finished() const { return finished_; }
  // The next tokens to compute, at most `limit`: a part of the prompt, or the token drawn last.
  std::span<const TokenId> next_tokens(std::size_t limit) const;
  // Whether a token can be drawn once those are computed.
  bool draws_after(std::span<const TokenId> tokens) const;
  SequenceState& state() { return state_; }

  // Draws a token from the logits after the newest position. Nothing if no logit is a number.
  std::optional<GeneratedToken> sample(std::span<const float> logits);
  // Appends it: end tokens, stop strings, limits; tells the sink what became certain.
  void accept(GeneratedToken token);
  void interrupt();

  Completion take_completion() { return std::move(completion_); }

 private:
  std::string text_of(TokenId token);
  std::string without_prompt(std::string decoded);
  std::string rest_of_text();
  std::optional<FinishReason> limit_reached() const;
  void finish(FinishReason reason);

  const Request& request_;
  const Model& model_;
  const Sink& sink_;
  SequenceState state_;
  Sampler sampler_;
  std::optional<StreamDecoder> decoder_;
  StopMatcher stops_;
  Completion completion_;
  bool prompt_open_ = false;  // the prompt ends inside a character, and nothing was decoded since
  bool finished_ = false;
};

}  // namespace continuo
