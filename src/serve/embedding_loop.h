// The thread that computes vectors, of the texts of all requests together.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "requests/embedder.h"

namespace continuo {

struct EmbeddingJob {
  std::vector<std::vector<TokenId>> texts;
  std::atomic<bool> cancelled{false};  // set by any thread: nothing more need be computed
  // Called in the loop's thread, once, unless the loop ends before: a row for each text, or an error.
  std::function<void(Result<std::vector<float>>)> done;

 private:
  friend class EmbeddingLoop;
  void finish(Result<std::vector<float>> result);

  std::vector<float> rows;
  std::size_t next = 0;  // text
};

class EmbeddingLoop {
 public:
  // `failed` is called if the thread ends by an exception; take_exception() has it.
  EmbeddingLoop(Embedder embedder, std::function<void()> failed);
  ~EmbeddingLoop();
  EmbeddingLoop(const EmbeddingLoop&) = delete;
  EmbeddingLoop& operator=(const EmbeddingLoop&) = delete;

  // For reading texts and checking ids, by any thread.
  const Embedder& embedder() const { return embedder_; }
  // By any thread.
  void add(std::shared_ptr<EmbeddingJob> job);
  std::exception_ptr take_exception();

 private:
  struct Slice {
    std::shared_ptr<EmbeddingJob> job;
    std::size_t end;  // text
  };

  void run();
  bool take_round(std::vector<Slice>& round);
  void compute(std::span<const Slice> round);

  Embedder embedder_;
  std::function<void()> failed_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<EmbeddingJob>> jobs_;
  bool stop_ = false;
  std::exception_ptr thrown_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace continuo
