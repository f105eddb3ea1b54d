#include "serve/embedding_call.h"

#include "serve/api_answer.h"

namespace continuo {

std::shared_ptr<EmbeddingJob> EmbeddingCall::start(std::function<void(Result<std::vector<float>>)> done) {
  job_ = std::make_shared<EmbeddingJob>();
  for (const EmbeddingText& text : request_.texts) job_->texts.push_back(text.ids);
  job_->done = std::move(done);
  exchange_->on_gone = [self = shared_from_this()] {
    if (self->answered_) return;
    self->answered_ = true;
    ++self->metrics_.cancelled;
    self->job_->cancelled = true;
  };
  return job_;
}

void EmbeddingCall::finish(Result<std::vector<float>> rows) {
  if (answered_) return;
  if (!rows) {
    const Error& error = rows.error();
    return respond(status_of(error), error_json(error));
  }
  metrics_.prompt_tokens += request_.tokens();
  respond(200, embedding_json(request_, model_, *rows));
}

void EmbeddingCall::fail(int status, std::string_view code, std::string_view message) {
  if (answered_) return;
  job_->cancelled = true;
  respond(status, error_json(status, code, message));
}

void EmbeddingCall::respond(int status, std::string body) {
  answered_ = true;
  ++metrics_.answers[status];
  exchange_->respond({.status = status, .body = std::move(body)});
}

void EmbeddingCall::hold(std::shared_ptr<std::atomic<std::size_t>> total, std::size_t bytes) {
  *total += bytes;
  held_ = {new std::size_t(bytes), [total](const std::size_t* n) {
             *total -= *n;
             delete n;
           }};
}

}  // namespace continuo
