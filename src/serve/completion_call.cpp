#include "serve/completion_call.h"

namespace continuo {

namespace {

std::string event(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }

}  // namespace

CompletionCall::CompletionCall(ApiRequest request, ApiAnswerHead head, std::shared_ptr<HttpExchange> exchange,
                               Parts parts)
    : request_(std::move(request)),
      head_(std::move(head)),
      exchange_(std::move(exchange)),
      parts_(std::move(parts)),
      prompts_(request_.prompts.size()),
      left_(request_.prompts.size()) {
  if (!request_.stream()) return;
  for (std::size_t i = 0; i < prompts_.size(); ++i) {
    const BatchRequest& prompt = request_.prompts[i];
    Stream first;
    first.echo = prompt.echo;
    first.role = head_.kind == ApiKind::chat;
    if (prompt.request.want_logprob) first.logprobs.emplace(head_.kind, prompt, parts_.tokenizer);
    prompts_[i].streams = std::vector<Stream>(prompt.n, first);
  }
}

void CompletionCall::start() {
  const auto self = shared_from_this();
  exchange_->on_gone = [self] {
    if (self->answered_) return;
    self->answered_ = true;
    ++self->parts_.metrics.cancelled;
    self->cancel();
  };
  if (request_.stream()) exchange_->on_writable = [self] { self->write_events(); };
  parts_.engine.run_soon([self](Engine& engine) { self->submit(engine); });
}

// ---- in the engine's thread ----

void CompletionCall::submit(Engine& engine) {
  const auto self = shared_from_this();
  for (std::size_t i = 0; i < request_.prompts.size(); ++i) {
    const bool stream = request_.stream();
    RequestListener listener;
    listener.on_token = [self, i, stream](std::size_t sample, std::string_view text, const GeneratedToken& token) {
      if (!self->heard_.exchange(true)) {
        self->parts_.engine.tell([self, now = Clock::now()] {
          self->parts_.metrics.first_token.add(std::chrono::duration<double>(now - self->arrival_).count());
        });
      }
      if (stream) {
        self->parts_.engine.tell([self, i, sample, piece = std::string(text), token]() mutable {
          self->hear(i, sample, std::move(piece), std::move(token));
        });
      }
      return !self->cancelled_;
    };
    listener.done = [self, i](Result<AnsweredRequest> result) {
      self->parts_.engine.tell([self, i, shared = std::make_shared<Result<AnsweredRequest>>(std::move(result))] {
        self->take(i, std::move(*shared));
      });
    };
    const std::vector<std::uint64_t> numbers = submit_request(engine, request_.prompts[i], std::move(listener));
    numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  }
  if (cancelled_) {
    for (const std::uint64_t number : numbers_) engine.cancel(number);
  }
}

// ---- in the HTTP loop ----

void CompletionCall::cancel() {
  cancelled_ = true;
  parts_.engine.run_soon([self = shared_from_this()](Engine& engine) {
    for (const std::uint64_t number : self->numbers_) engine.cancel(number);
  });
}

void CompletionCall::count_answer(int status) { ++parts_.metrics.answers[status]; }

void CompletionCall::hear(std::size_t prompt, std::size_t sample, std::string text, GeneratedToken token) {
  ++parts_.metrics.generated_tokens;
  if (answered_) return;
  Stream& stream = prompts_[prompt].streams[sample];
  stream.text += text;
  if (stream.logprobs) stream.tokens.push_back(std::move(token));
  if (!begun_ || exchange_->writable()) write_events();
}

void CompletionCall::take(std::size_t prompt, Result<AnsweredRequest> result) {
  --left_;
  if (result) {
    Part& part = prompts_[prompt];
    parts_.metrics.prompt_tokens += request_.prompts[prompt].request.prompt.size();
    for (std::size_t i = 0; i < result->samples.size(); ++i) {
      if (!request_.stream()) parts_.metrics.generated_tokens += result->samples[i].tokens.size();
      if (i < part.streams.size()) part.streams[i].end = end_of(request_.prompts[prompt], result->samples[i]);
      if (result->samples[i].finish == FinishReason::interrupted)
        fail(503, "shutting_down", "the server is shutting down");
    }
    part.answer = std::move(*result);
  } else if (!answered_) {
    const Error& error = result.error();
    const bool interrupted = error.kind == ErrorKind::interrupted;
    fail(interrupted ? 503 : status_of(error), interrupted ? "shutting_down" : error_type(error.kind),
         interrupted ? "the server is shutting down" : error.message());
  }
  if (left_ == 0) {
    parts_.metrics.whole.add(std::chrono::duration<double>(Clock::now() - arrival_).count());
    parts_.done(shared_from_this());
  }
  if (answered_) return;
  if (request_.stream()) {
    if (!begun_ || exchange_->writable()) write_events();
    return;
  }
  if (left_ > 0) return;
  std::vector<AnsweredRequest> all;
  for (Part& part : prompts_) all.push_back(std::move(*part.answer));
  answered_ = true;
  count_answer(200);
  exchange_->respond({.body = completion_json(head_, request_.prompts, all, parts_.tokenizer)});
}

void CompletionCall::fail(int status, std::string_view code, std::string_view message) {
  if (answered_) return;
  answered_ = true;
  count_answer(status);
  const std::string json = error_json(status, code, message);
  if (begun_) {
    exchange_->send(event(json));
    exchange_->end();
  } else {
    exchange_->respond({.status = status, .body = json});
  }
  cancel();
}

// Writes what there is. While the client takes its time it gathers, so that slow clients get fewer and larger events.
void CompletionCall::write_events() {
  if (answered_) return;
  if (!begun_) {
    begun_ = true;
    exchange_->begin_stream({.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}});
  }
  bool over = true;
  for (std::size_t i = 0; i < prompts_.size(); ++i) {
    for (std::size_t sample = 0; sample < prompts_[i].streams.size(); ++sample) over = write_event(i, sample) && over;
  }
  if (over) finish_stream();
}

// True once the sample's last event is written.
bool CompletionCall::write_event(std::size_t prompt, std::size_t sample) {
  const BatchRequest& request = request_.prompts[prompt];
  Part& part = prompts_[prompt];
  Stream& stream = part.streams[sample];
  if (stream.over) return true;
  if (request.score_prompt && !part.answer) return false;  // the prompt's log-probabilities come first
  const bool nothing = stream.text.empty() && stream.tokens.empty() && !stream.echo && !stream.end;
  if (nothing) return false;
  std::string text = stream.echo ? request.prompt : std::string();
  text += std::exchange(stream.text, {});
  Answer logprobs;
  if (stream.logprobs) {
    if (stream.echo && part.answer && part.answer->prompt) stream.logprobs->add_prompt(*part.answer->prompt);
    for (const GeneratedToken& token : stream.tokens) stream.logprobs->add(token);
    stream.tokens.clear();
    logprobs = stream.logprobs->take();
  }
  stream.echo = false;
  stream.over = stream.end.has_value();
  const std::size_t index = prompt * request.n + sample;
  if (std::exchange(stream.role, false)) exchange_->send(event(role_json(head_, index)));
  exchange_->send(event(increment_json(head_, index, text, std::move(logprobs), stream.end)));
  return stream.over;
}

void CompletionCall::finish_stream() {
  answered_ = true;
  if (request_.include_usage) {
    std::size_t prompt_tokens = 0, completion_tokens = 0;
    for (const Part& part : prompts_) {
      prompt_tokens += part.answer->samples.front().prompt_tokens;
      for (const Completion& sample : part.answer->samples) completion_tokens += sample.tokens.size();
    }
    exchange_->send(event(usage_json(head_, prompt_tokens, completion_tokens)));
  }
  count_answer(200);
  exchange_->send("data: [DONE]\n\n");
  exchange_->end();
}

}  // namespace continuo
