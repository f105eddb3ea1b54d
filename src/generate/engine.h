// The autoregressive loop: requests in, tokens out.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "generate/continuation.h"
#include "generate/request.h"
#include "kernels/kernel_table.h"
#include "generate/scheduler.h"
#include "generate/scoring.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace continuo {

// No answer depends on any but the last two.
struct EngineOptions {
  int threads = 0;              // 0: usable_cores(), fewer where the model is too small to share
  std::string kernels;          // empty: the best
  std::size_t chunk = 512;      // tokens computed in one step at the most
  std::size_t max_running = 1;  // requests that run at the same time
  std::size_t memory = 0;       // bytes for what sequences remember; 0: as many as one request may take
  bool share_prefixes = false;  // beginnings that are computed already are not computed again
  // Weights in block formats by float32 products too, instead of rounded activations.
  bool exact_math = false;
  Format kv_type = Format::f32;  // of kv_types(): what remembered keys and values are rounded to
};

class Engine {
 public:
  // `model` (and `tokenizer`, null when text is not wanted) must outlive the engine. An error if the kernels
  // are unknown or the memory holds not even a page for each layer.
  static Result<Engine> create(const Model& model, const Tokenizer* tokenizer, EngineOptions options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // ---- one request ----
  // Runs it to its end. `sink` may be empty. Errors: empty prompt or id out of range (usage), prompt longer
  // than the context (context: says both lengths), options out of range (usage), no logit a number (model).
  Result<Completion> complete(Request request, Sink sink, const std::atomic<bool>& interrupted);
  using Score = continuo::Score;
  // All that can be said of the ids. Errors as above; interrupted (with that kind) before the end.
  Result<Score> score(std::span<const TokenId> ids, const std::atomic<bool>& interrupted);

  // ---- many ----
  // What can be said against a request, by any thread. Errors as above; and more than the memory can hold
  // (context).
  Result<void> check(const Request& request) const;
  Result<void> check(const ScoreRequest& request) const;
  // Takes a request in that `check` has nothing against. A later step() calls `sink` and, once, `done`.
  void submit(Request request, Sink sink, Continuation::Done done);
  void submit(ScoreRequest request, Scoring::Done done);
  // Requests that are not done.
  std::size_t unfinished() const;
  // Goes on with all of them by a step.
  void step();
  // Ends all of them as they are, and tells it to each `done`.
  void interrupt();

  int threads() const;
  const KernelTable& kernels() const;
  const Scheduler::Counts& counts() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
