// What is asked of the engine, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "sampling/options.h"
#include "sampling/sampler.h"

namespace continuo {

enum class FinishReason : std::uint8_t { stop, length, eos, context, interrupted };
std::string_view name(FinishReason reason);  // "stop", "length", ...

struct Request {
  std::vector<TokenId> prompt;    // not empty; every id inside the vocabulary
  std::int64_t max_tokens = 128;  // -1: until the model ends or the context is full
  bool ignore_eos = false;
  std::vector<std::string> stop;  // none empty, each valid UTF-8; needs a tokenizer
  SamplingOptions sampling;
  std::uint64_t sample = 0;   // which of several samples (see Draw)
  std::size_t logprobs = 0;   // alternatives to report per token
  bool want_logprob = false;  // report the chosen token's own log-probability
};

// Log-probabilities are the model's own: before bias, penalties, temperature and filters.
struct GeneratedToken {
  TokenId id = 0;
  double logprob = 0;             // if want_logprob
  std::vector<TokenLogprob> top;  // `logprobs` entries
};

struct Completion {
  std::string text;                    // whole characters, without the stop string
  std::vector<GeneratedToken> tokens;  // as drawn, the end token (and a stop string's tokens) included
  FinishReason finish = FinishReason::length;
  std::size_t prompt_tokens = 0;
};

// Called once for each token, with the text that it made certain (often its own, sometimes none or more).
// Together the texts are Completion::text. Returning false ends the request quietly (the reader went away).
using Sink = std::function<bool(std::string_view text, const GeneratedToken& token)>;

}  // namespace continuo
