// A request for embeddings on its way: from its parsed body to its answer. All of it is the HTTP loop's.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/embedding_loop.h"
#include "serve/embedding_request.h"
#include "serve/http.h"
#include "serve/metrics.h"

namespace continuo {

class EmbeddingCall : public std::enable_shared_from_this<EmbeddingCall> {
 public:
  using Clock = std::chrono::steady_clock;

  EmbeddingCall(EmbeddingRequest request, std::string model, std::shared_ptr<HttpExchange> exchange, Metrics& metrics)
      : request_(std::move(request)), model_(std::move(model)), exchange_(std::move(exchange)), metrics_(metrics) {}

  // The job to compute; `done` is its.
  std::shared_ptr<EmbeddingJob> start(std::function<void(Result<std::vector<float>>)> done);
  // Answers, unless that is done or the client is gone.
  void finish(Result<std::vector<float>> rows);
  void fail(int status, std::string_view code, std::string_view message);
  Clock::time_point arrival() const { return arrival_; }

  // Counts `bytes` of memory in `total` as long as the call lives.
  void hold(std::shared_ptr<std::atomic<std::size_t>> total, std::size_t bytes);

 private:
  void respond(int status, std::string body);

  std::shared_ptr<const std::size_t> held_;
  EmbeddingRequest request_;
  const std::string model_;
  std::shared_ptr<HttpExchange> exchange_;
  Metrics& metrics_;
  std::shared_ptr<EmbeddingJob> job_;
  const Clock::time_point arrival_ = Clock::now();
  bool answered_ = false;
};

}  // namespace continuo
