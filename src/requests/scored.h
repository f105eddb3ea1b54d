// A text as scores: what the model makes of its tokens, one window of context after the other where it is
// longer.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "generate/engine.h"

namespace continuo {

struct Scored {
  std::vector<double> logprobs;  // entry i: ln p(ids[first + i] | what its window has before it)
  double sum = 0;                // of them
  bool greedy = true;            // each was the likeliest token: the greedy continuation is this one
  std::vector<float> last_logits;

  std::size_t tokens() const { return logprobs.size(); }
  double per_token() const { return sum / static_cast<double>(tokens()); }
};

// Windows of `length` tokens, each beginning `stride` after the one before; a token is scored in the first
// window that has it, so that it sees at least length - stride tokens before it (but for the first window's).
// As in the perplexity guide of Hugging Face transformers.
struct Windows {
  std::size_t length = 0;
  std::size_t stride = 0;  // 0: the text has to fit
};

// Puts the scoring of ids[first..] (first >= 1) to the engine; `done` is called once, by Engine::step.
// Errors: as Engine::check.
Result<void> submit_scoring(Engine& engine, std::span<const TokenId> ids, std::size_t first, Windows windows,
                            bool last_logits, std::function<void(Result<Scored>)> done);

}  // namespace continuo
