// A sequence that goes on: what is drawn, what text is certain, when it ends.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "generate/request.h"
#include "generate/sequence.h"
#include "generate/stop_matcher.h"
#include "model/model.h"
#include "sampling/sampler.h"
#include "text/stream_decoder.h"

namespace continuo {

class Continuation : public Sequence {
 public:
  using Done = std::function<void(Result<Completion>)>;

  // `request` is valid for `model`; `model`, `tokenizer` (null: no text) and `pool` outlive the sequence.
  // `sink` and `done` may be empty. `drafts`: it looks them up (prompt_lookup.h).
  Continuation(Request request, const Model& model, const Tokenizer* tokenizer, StatePools& pools, Sink sink,
               Done done, bool drafts = false);

  const PromptLookup* lookup() const override { return lookup_ ? &*lookup_ : nullptr; }
  void draft(std::size_t n) override;
  void look(std::size_t position, std::span<const float> logits, SamplingScratch& scratch) override;
  void accept() override;
  void interrupt() override;
  void give_back_memory() override;
  void answer() override;

 protected:
  std::size_t logits_from() const override { return tokens().size() - 1; }

 private:
  // Made from the tokens so far, if it is not there.
  Sampler& sampler();
  GeneratedToken report(TokenId id, std::span<const float> logits) const;
  void take(GeneratedToken token);
  std::string text_of(TokenId token);
  std::string without_prompt(std::string decoded);
  std::string rest_of_text();
  std::optional<FinishReason> limit_reached() const;
  void finish(FinishReason reason);

  Request request_;
  const Model& model_;
  Sink sink_;
  Done done_;
  std::optional<Sampler> sampler_;  // while it runs, from its first logits on
  std::optional<SamplingFeedback> feedback_;  // of the sampler that is gone
  std::optional<StreamDecoder> decoder_;
  StopMatcher stops_;
  Completion completion_;
  std::optional<PromptLookup> lookup_;
  std::vector<GeneratedToken> drawn_;  // from the newest logits: one, and one more for each draft that was drawn
  bool unscored_ = false;  // the newest logits gave no further token
  std::optional<Error> error_;
  bool prompt_open_ = false;  // the prompt ends inside a character, and nothing was decoded since
};

}  // namespace continuo
