// The autoregressive loop: requests in, tokens out.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "generate/beginning.h"
#include "generate/continuation.h"
#include "generate/engine_options.h"
#include "generate/request.h"
#include "generate/scheduler.h"
#include "generate/scoring.h"
#include "kernels/kernel_table.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace continuo {

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
  // Returns its number, for cancel().
  std::uint64_t submit(Request request, Sink sink, Continuation::Done done);
  std::uint64_t submit(ScoreRequest request, Scoring::Done done);
  // ---- beginnings of texts, kept in files (state/saved_state.h) ----
  // Computes a beginning that check() has nothing against, makes it known to later requests, and tells `done`; what it
  // tells must not outlive the engine. Needs EngineOptions::share_prefixes.
  std::uint64_t submit(BeginningRequest request, Beginning::Done done);
  Result<void> check(const BeginningRequest& request) const;
  // Beginnings of longer texts than this are of no use: their positions depend on the length of the whole.
  std::size_t longest_beginning() const;
  // Writes one into a file that is open for writing; errors name `path`.
  Result<void> write(const SavedState& beginning, std::size_t adapter, int descriptor, const std::string& path);
  // Makes the beginning in a file known to later requests; returns its tokens.
  Result<std::vector<TokenId>> read(StateFileBytes file, std::size_t adapter);

  // Between two steps: ends the request as it is, and the next step() tells it to its `done`. Without effect
  // on a request that is done.
  void cancel(std::uint64_t number);
  // The number of an adapter that requests may name; nothing if there is none. The names of all of them.
  std::optional<std::size_t> find_adapter(std::string_view name) const;
  std::vector<std::string> adapter_names() const;
  // What submit() does for a request's options: its breakers of repetitions and ends become tokens.
  void prepare(SamplingOptions& sampling);
  // Requests that are not done.
  std::size_t unfinished() const;
  // Goes on with all of them by a step.
  void step();
  // Ends all of them as they are, and tells it to each `done`.
  void interrupt();

  int threads() const;
  const KernelTable& kernels() const;
  const Scheduler::Counts& counts() const;
  struct DraftCounts {
    std::size_t drafted = 0, right = 0;  // tokens
  };
  const DraftCounts& draft_counts() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
