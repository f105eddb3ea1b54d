// What the API answers, as JSON in the shapes of OpenAI's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generate/request.h"
#include "requests/json_answer.h"
#include "requests/request.h"
#include "requests/submission.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace continuo {

// Whose shapes an answer has: those of completions, or those of chat completions.
enum class ApiKind : std::uint8_t { text, chat };

// What all objects of an answer begin with.
struct ApiAnswerHead {
  ApiKind kind = ApiKind::text;
  Answer id;
  std::string model;
  std::int64_t created = 0;  // seconds since 1970
};

// {"error": {"message", "type", "param", "code"}}; `param` is the field, or null.
std::string error_json(int status, std::string_view code, std::string_view message, std::string_view param = {});
int status_of(const Error& error);
std::string error_json(const Error& error);

// finish_reason as the API has it: "stop" or "length".
std::string_view api_finish_reason(FinishReason reason);

// The log-probabilities of a choice, in one go or piece by piece: tokens, token_logprobs, top_logprobs, and
// text_offset, where a token's text begins in the choice's, in characters; of a chat content, a list of tokens with
// their bytes. A copy goes on for itself: one goes through the prompt for all samples.
class LogprobsWriter {
 public:
  // `tokenizer` may be null: then all offsets are 0. With `echo` the text begins with the prompt.
  LogprobsWriter(ApiKind kind, const BatchRequest& request, const Tokenizer* tokenizer);

  // Of the prompt's tokens; `score` is of all but the first.
  void add_prompt(const Score& score);
  void add(const GeneratedToken& token);
  // All that were added since.
  Answer take();

 private:
  void add(TokenId id, Answer logprob, Answer top, Answer named);
  std::size_t offset(TokenId id);

  const ApiKind kind_;
  const BatchRequest& request_;
  const Tokenizer* tokenizer_;
  std::optional<StreamDecoder> decoder_;
  std::size_t characters_ = 0;
  Answer tokens_, logprobs_, top_, named_, offsets_, content_;
};

// A whole answer. `answered` has an entry a prompt of `prompts`.
std::string completion_json(const ApiAnswerHead& head, std::span<const BatchRequest> prompts,
                            std::span<const AnsweredRequest> answered, const Tokenizer* tokenizer);

// How a sample ended.
struct SampleEnd {
  FinishReason finish = FinishReason::length;
  std::optional<bool> complete;  // where the request has a constraint: the text is what it says
};
SampleEnd end_of(const BatchRequest& request, const Completion& sample);

// An event's object: what has become certain of a choice; `logprobs` may be null, `end` nothing.
std::string increment_json(const ApiAnswerHead& head, std::size_t index, std::string_view text, Answer logprobs,
                           const std::optional<SampleEnd>& end);
// The event that begins a choice of a chat: who speaks.
std::string role_json(const ApiAnswerHead& head, std::size_t index);
// The event of the tokens, which has no choices.
std::string usage_json(const ApiAnswerHead& head, std::size_t prompt_tokens, std::size_t completion_tokens);

}  // namespace continuo
