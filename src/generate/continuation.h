// A sequence that goes on: what is drawn, what text is certain, when it ends.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

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
  // `sink` and `done` may be empty.
  Continuation(Request request, const Model& model, const Tokenizer* tokenizer, PagePool& pool, Sink sink,
               Done done);

  void look(std::size_t position, std::span<const float> logits) override;
  void accept() override;
  void interrupt() override;
  void give_back_memory() override;
  void answer() override;

 protected:
  std::size_t logits_from() const override { return tokens().size() - 1; }

 private:
  // Made from the tokens so far, if it is not there.
  Sampler& sampler();
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
  std::optional<StreamDecoder> decoder_;
  StopMatcher stops_;
  Completion completion_;
  std::optional<GeneratedToken> drawn_;  // from the newest logits
  std::optional<Error> error_;
  bool prompt_open_ = false;  // the prompt ends inside a character, and nothing was decoded since
};

}  // namespace continuo
