// A sequence that goes on: what is drawn, what text is certain, when it ends.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "generate/choices.h"
#include "generate/draft_model.h"
#include "generate/prompt_lookup.h"
#include "generate/request.h"
#include "generate/sequence.h"
#include "generate/stop_matcher.h"
#include "model/model.h"
#include "sampling/sampler.h"
#include "text/stream_decoder.h"

namespace continuo {

struct ContinuationOptions {
  // Who drafts, unless its choice is restricted: the text itself (prompt_lookup.h), another model (null: none).
  bool lookup = false;
  DraftModel* draft_model = nullptr;
  std::shared_ptr<const BannedTexts> banned;  // the request's; null: none
  std::shared_ptr<const Grammar> grammar;     // the same of its constraint
};

class Continuation : public Sequence {
 public:
  using Done = std::function<void(Result<Completion>)>;

  // `request` is valid for `model`; `model`, `tokenizer` (null: no text) and `pool` outlive the sequence.
  // `sink` and `done` may be empty.
  Continuation(Request request, const Model& model, const Tokenizer* tokenizer, StatePools& pools, Sink sink, Done done,
               ContinuationOptions options = {});

  std::span<Drafter* const> drafters() const override { return drafters_; }
  void draft(const Drafter& drafter, std::size_t n) override;
  void set_loops(std::size_t loops) override { loops_ = loops; }
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
  std::optional<TokenId> draw(std::span<const float> logits, std::size_t position, SamplingScratch& scratch);
  Error no_token();
  void receive(GeneratedToken token);
  void receive_forced();
  void go_back(std::size_t n);
  void take(GeneratedToken token);
  bool ends(TokenId id) const;
  std::string text_of(TokenId token);
  std::string without_prompt(std::string decoded);
  std::string rest_of_text();
  std::optional<FinishReason> length_limit(std::size_t generated) const;
  std::optional<FinishReason> limit_reached();
  bool repeats() const;
  void finish(FinishReason reason);

  Request request_;
  const Model& model_;
  Sink sink_;
  Done done_;
  std::optional<Sampler> sampler_;            // while it runs, from its first logits on
  std::optional<SamplingFeedback> feedback_;  // of the sampler that is gone
  std::optional<StreamDecoder> decoder_;
  StopMatcher stops_;
  std::optional<Choices> choices_;  // if not every token may come
  struct Held {
    GeneratedToken token;
    SamplingFeedback before;  // the draw
  };
  std::deque<Held> held_;             // the newest tokens, as long as they may have to be taken back
  SamplingFeedback feedback_before_;  // the newest draw
  std::size_t taken_back_ = 0;        // tokens that the newest draw took back, the one that was drawn included
  Completion completion_;
  std::optional<PromptLookup> lookup_;
  std::optional<ModelDrafter> model_drafter_;
  std::vector<Drafter*> drafters_;     // these two, if they are there
  std::size_t loops_ = 0;              // of the newest logits
  std::vector<GeneratedToken> drawn_;  // from the newest logits: one, and one more for each draft that was drawn
  bool unscored_ = false;              // the newest logits gave no further token
  std::optional<Error> error_;
  bool prompt_open_ = false;  // the prompt ends inside a character, and nothing was decoded since
};

}  // namespace continuo
