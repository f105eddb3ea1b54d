// The autoregressive loop: requests in, tokens out.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "generate/request.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace continuo {

struct EngineOptions {
  int threads = 0;          // 0: usable_cores(), fewer where the model is too small to share
  std::string kernels;      // empty: the best
  bool exact_math = false;  // weights in block formats by float32 products too, instead of rounded activations
  std::size_t chunk = 512;  // prompt tokens computed at once; the result does not depend on it
};

class Engine {
 public:
  // `model` (and `tokenizer`, null when text is not wanted) must outlive the engine.
  static Result<Engine> create(const Model& model, const Tokenizer* tokenizer, EngineOptions options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  using Sink = continuo::Sink;

  // Runs one request to its end. `sink` may be empty. Errors: empty prompt or id out of range (usage), prompt
  // longer than the context (context: says both lengths), options out of range (usage), no logit a number
  // (model).
  Result<Completion> complete(const Request& request, const Sink& sink, const std::atomic<bool>& interrupted);

  struct Score {
    std::vector<double> logprobs;    // entry i: ln p(ids[i+1] | ids[..i]); ids.size() - 1 entries
    std::vector<float> last_logits;  // after the last id; vocab_size
  };
  // Errors as above; interrupted (with that kind) before the end.
  Result<Score> score(std::span<const TokenId> ids, const std::atomic<bool>& interrupted);

  int threads() const;
  std::string_view kernels() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
