// A completion on its way: from its parsed request to the last byte of its answer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "requests/submission.h"
#include "serve/api_answer.h"
#include "serve/api_request.h"
#include "serve/engine_loop.h"
#include "serve/http.h"
#include "serve/metrics.h"

namespace continuo {

// All members are the HTTP loop's, but where it says otherwise.
class CompletionCall : public std::enable_shared_from_this<CompletionCall> {
 public:
  using Clock = std::chrono::steady_clock;

  struct Parts {
    EngineLoop& engine;
    Metrics& metrics;
    const Tokenizer* tokenizer;
    std::function<void(const std::shared_ptr<CompletionCall>&)> done;  // the engine has no more of it
  };

  CompletionCall(ApiRequest request, ApiAnswerHead head, std::shared_ptr<HttpExchange> exchange, Parts parts);

  void start();
  // Answers with an error, which a stream that has begun gets as an event, and takes the rest back from the engine.
  void fail(int status, std::string_view code, std::string_view message);
  bool answered() const { return answered_; }
  Clock::time_point arrival() const { return arrival_; }

  // Counts `bytes` of memory in `total` as long as the call lives: until its answer is written, or its client is gone.
  void hold(std::shared_ptr<std::atomic<std::size_t>> total, std::size_t bytes) {
    *total += bytes;
    held_ = {new std::size_t(bytes), [total](const std::size_t* n) {
               *total -= *n;
               delete n;
             }};
  }
  std::size_t sequences = 0;  // with the engine

 private:
  // What has become certain of a sample and is not written: it waits while the client takes its time.
  struct Stream {
    std::string text;
    std::vector<GeneratedToken> tokens;
    std::optional<LogprobsWriter> logprobs;
    std::optional<SampleEnd> end;
    bool echo = false;  // the prompt is to be written first
    bool role = false;  // of a chat: who speaks is to be written first
    bool over = false;
  };
  struct Part {  // a prompt
    std::optional<AnsweredRequest> answer;
    std::vector<Stream> streams;  // one a sample
  };

  void submit(Engine& engine);
  void hear(std::size_t prompt, std::size_t sample, std::string text, GeneratedToken token);
  void take(std::size_t prompt, Result<AnsweredRequest> result);
  void write_events();
  bool write_event(std::size_t prompt, std::size_t sample);
  void finish_stream();
  void cancel();
  void count_answer(int status);

  std::shared_ptr<const std::size_t> held_;
  const ApiRequest request_;
  ApiAnswerHead head_;
  std::shared_ptr<HttpExchange> exchange_;
  Parts parts_;
  const Clock::time_point arrival_ = Clock::now();
  std::vector<Part> prompts_;
  std::size_t left_;                    // prompts that the engine has
  bool answered_ = false;               // nothing more is to be written
  bool begun_ = false;                  // the head of a stream is written
  std::atomic<bool> cancelled_{false};  // the engine's thread asks
  std::atomic<bool> heard_{false};      // the first token came
  std::vector<std::uint64_t> numbers_;  // of the engine's thread: of the sequences
};

}  // namespace continuo
