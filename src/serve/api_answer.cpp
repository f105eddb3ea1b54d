#include "serve/api_answer.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace continuo {

namespace {

std::string as_text(const Answer& answer) { return answer.dump(-1, ' ', false, Answer::error_handler_t::replace); }

// Bytes of UTF-8 that begin a character.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Answer head_json(const ApiAnswerHead& head, bool is_event = false) {
  const char* const chat = is_event ? "chat.completion.chunk" : "chat.completion";
  Answer json = {{"id", head.id}, {"object", head.kind == ApiKind::chat ? chat : "text_completion"}};
  json["created"] = head.created;
  json["model"] = head.model;
  return json;
}

Answer usage(std::size_t prompt_tokens, std::size_t completion_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"completion_tokens", completion_tokens},
          {"total_tokens", prompt_tokens + completion_tokens}};
}

Answer top_json(const std::vector<TokenLogprob>& top, const Tokenizer* tokenizer) {
  Answer alternatives = Answer::object();
  for (const TokenLogprob& entry : top) alternatives[piece_name(tokenizer, entry.token)] = entry.logprob;
  return alternatives;
}

void add_end(const SampleEnd& end, Answer& choice) {
  choice["finish_reason"] = api_finish_reason(end.finish);
  choice["ended_by"] = name(end.finish);
  if (end.complete) choice["complete"] = *end.complete;
}

// A token as a chat's logprobs have it: its text, and the bytes of that.
Answer chat_logprob(TokenId id, double logprob, const Tokenizer& tokenizer) {
  std::string text = tokenizer.bytes_of(id);
  if (text.empty()) text = tokenizer.piece(id);  // of a special token
  Answer bytes = Answer::array();
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  Answer json = {{"token", std::move(text)}};
  json["logprob"] = std::isfinite(logprob) ? Answer(logprob) : Answer();
  json["bytes"] = std::move(bytes);
  return json;
}

// `logprobs`, where they are wanted: of the prompt.
Answer choice_json(ApiKind kind, const BatchRequest& request, const Completion& completion, std::size_t index,
                   const Tokenizer* tokenizer, std::optional<LogprobsWriter> logprobs) {
  Answer choice = Answer::object();
  if (kind == ApiKind::chat) {
    choice["index"] = index;
    choice["message"] = {{"role", "assistant"}, {"content", completion.text}, {"refusal", nullptr}};
  } else {
    choice["text"] = tokenizer ? Answer((request.echo ? request.prompt : "") + completion.text) : Answer();
    choice["index"] = index;
  }
  choice["logprobs"] = nullptr;
  if (logprobs) {
    for (const GeneratedToken& token : completion.tokens) logprobs->add(token);
    choice["logprobs"] = logprobs->take();
  }
  add_end(end_of(request, completion), choice);
  if (Answer loops = loops_json(completion); !loops.is_null()) choice["loops"] = std::move(loops);
  if (request.want_ids) {
    Answer ids = Answer::array();
    for (const GeneratedToken& token : completion.tokens) ids.push_back(token.id);
    choice["ids"] = std::move(ids);
  }
  return choice;
}

}  // namespace

std::string error_json(int status, std::string_view code, std::string_view message, std::string_view param) {
  const char* type = "invalid_request_error";
  if (status == 401) type = "authentication_error";
  if (status == 403) type = "permission_error";
  if (status == 429) type = "rate_limit_error";
  if (status >= 500) type = "server_error";
  Answer error = {{"message", message}, {"type", type}};
  error["param"] = param.empty() ? Answer() : Answer(param);
  error["code"] = code;
  return as_text({{"error", std::move(error)}});
}

int status_of(const Error& error) {
  return error.kind == ErrorKind::model || error.kind == ErrorKind::output ? 500 : 400;
}

std::string error_json(const Error& error) {
  return error_json(status_of(error), error_type(error.kind), error.message(), error.field);
}

std::string_view api_finish_reason(FinishReason reason) {
  return reason == FinishReason::length || reason == FinishReason::context ? "length" : "stop";
}

// ---- log-probabilities ----

LogprobsWriter::LogprobsWriter(ApiKind kind, const BatchRequest& request, const Tokenizer* tokenizer)
    : kind_(kind),
      request_(request),
      tokenizer_(tokenizer),
      tokens_(Answer::array()),
      logprobs_(Answer::array()),
      top_(Answer::array()),
      named_(Answer::array()),
      offsets_(Answer::array()),
      content_(Answer::array()) {
  if (!tokenizer || kind == ApiKind::chat) return;
  decoder_.emplace(*tokenizer, true);
  if (request.score_prompt) return;  // add_prompt() goes through it
  for (const TokenId id : request.request.prompt) decoder_->push(id);
  if (request.echo) characters_ = characters_in(request.prompt);
}

std::size_t LogprobsWriter::offset(TokenId id) {
  const std::size_t at = characters_;
  if (decoder_) characters_ += characters_in(decoder_->push(id));
  return at;
}

void LogprobsWriter::add(TokenId id, Answer logprob, Answer top, Answer named) {
  tokens_.push_back(piece_name(tokenizer_, id));
  logprobs_.push_back(std::move(logprob));
  top_.push_back(std::move(top));
  named_.push_back(std::move(named));
  offsets_.push_back(offset(id));
}

void LogprobsWriter::add_prompt(const Score& score) {
  const std::vector<TokenId>& ids = request_.request.prompt;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == 0) {
      add(ids[i], nullptr, nullptr, nullptr);
    } else {
      add(ids[i], score.logprobs[i - 1], score.top.empty() ? Answer::object() : top_json(score.top[i - 1], tokenizer_),
          nullptr);
    }
  }
}

void LogprobsWriter::add(const GeneratedToken& token) {
  if (kind_ == ApiKind::chat) {
    Answer one = chat_logprob(token.id, token.logprob, *tokenizer_);
    one["top_logprobs"] = Answer::array();
    for (const TokenLogprob& entry : token.top)
      one["top_logprobs"].push_back(chat_logprob(entry.token, entry.logprob, *tokenizer_));
    if (!token.named.empty()) one["token_id_logprobs"] = logprobs_by_id(token.named);
    content_.push_back(std::move(one));
    return;
  }
  add(token.id, token.logprob, top_json(token.top, tokenizer_), logprobs_by_id(token.named));
}

Answer LogprobsWriter::take() {
  if (kind_ == ApiKind::chat) return {{"content", std::exchange(content_, Answer::array())}, {"refusal", nullptr}};
  Answer all{{"tokens", std::exchange(tokens_, Answer::array())},
             {"token_logprobs", std::exchange(logprobs_, Answer::array())},
             {"top_logprobs", std::exchange(top_, Answer::array())},
             {"text_offset", std::exchange(offsets_, Answer::array())}};
  Answer named = std::exchange(named_, Answer::array());
  if (!request_.request.logprob_tokens.empty()) all["token_id_logprobs"] = std::move(named);
  return all;
}

// ---- whole answers ----

std::string completion_json(const ApiAnswerHead& head, std::span<const BatchRequest> prompts,
                            std::span<const AnsweredRequest> answered, const Tokenizer* tokenizer) {
  std::string text = as_text(head_json(head));
  text.back() = ',';
  text += "\"choices\":[";  // choice by choice: as objects, all of them take many times the memory of their text
  std::size_t index = 0, prompt_tokens = 0, completion_tokens = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    prompt_tokens += prompts[i].request.prompt.size();
    std::optional<LogprobsWriter> logprobs;
    if (prompts[i].request.want_logprob) logprobs.emplace(head.kind, prompts[i], tokenizer);
    if (logprobs && answered[i].prompt) logprobs->add_prompt(*answered[i].prompt);
    for (const Completion& sample : answered[i].samples) {
      completion_tokens += sample.tokens.size();
      if (index > 0) text += ',';
      text += as_text(choice_json(head.kind, prompts[i], sample, index++, tokenizer, logprobs));
    }
  }
  Answer rest = {{"usage", usage(prompt_tokens, completion_tokens)}};
  rest["seed"] = prompts.front().request.sampling.seed;
  return text + "]," + as_text(rest).substr(1);
}

SampleEnd end_of(const BatchRequest& request, const Completion& sample) {
  SampleEnd end{.finish = sample.finish};
  if (request.request.constraint.kind != ConstraintKind::none) end.complete = sample.complete;
  return end;
}

namespace {

std::string event_json(const ApiAnswerHead& head, Answer choice) {
  Answer answer = head_json(head, true);
  answer["choices"] = Answer::array({std::move(choice)});
  return as_text(answer);
}

}  // namespace

std::string increment_json(const ApiAnswerHead& head, std::size_t index, std::string_view text, Answer logprobs,
                           const std::optional<SampleEnd>& end) {
  Answer choice = Answer::object();
  if (head.kind == ApiKind::chat) {
    choice["index"] = index;
    choice["delta"] = text.empty() ? Answer::object() : Answer{{"content", text}};
  } else {
    choice["text"] = text;
    choice["index"] = index;
  }
  choice["logprobs"] = std::move(logprobs);
  choice["finish_reason"] = nullptr;
  if (end) add_end(*end, choice);
  return event_json(head, std::move(choice));
}

std::string role_json(const ApiAnswerHead& head, std::size_t index) {
  Answer choice = {{"index", index}};
  choice["delta"] = {{"role", "assistant"}, {"content", ""}};
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = nullptr;
  return event_json(head, std::move(choice));
}

std::string usage_json(const ApiAnswerHead& head, std::size_t prompt_tokens, std::size_t completion_tokens) {
  Answer answer = head_json(head, true);
  answer["choices"] = Answer::array();
  answer["usage"] = usage(prompt_tokens, completion_tokens);
  return as_text(answer);
}

}  // namespace continuo
