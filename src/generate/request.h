// What is asked of the engine, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "generate/limits.h"
#include "grammar/constraint.h"
#include "model/exit_rule.h"
#include "model/spec.h"
#include "sampling/options.h"
#include "sampling/sampler.h"

namespace continuo {

enum class FinishReason : std::uint8_t { stop, length, eos, context, interrupted, repetition };
std::string_view name(FinishReason reason);  // "stop", "length", ...

struct Request {
  std::vector<TokenId> prompt;    // not empty; every id inside the vocabulary
  std::int64_t max_tokens = 128;  // -1: until the model ends or the context is full
  bool ignore_eos = false;
  std::vector<std::string> stop;        // none empty, each valid UTF-8; needs a tokenizer
  bool include_stop = false;            // the text keeps what it stopped at
  std::vector<TokenId> allowed_tokens;  // no others come; empty: all may
  std::vector<std::string> banned;      // texts that the continuation never has
  RepetitionDetection repetition;
  std::size_t loops = 0;  // of networks that have them: as many; 0: the network's own number
  ExitRule exit;          // when a token stops before its last loop
  Constraint constraint;  // what the whole continuation has to be
  SamplingOptions sampling;
  std::uint64_t sample = 0;             // which of several samples (see Draw)
  std::size_t adapter = 0;              // which of EngineOptions::adapters; 0: what all requests have
  std::size_t logprobs = 0;             // alternatives to report per token
  bool want_logprob = false;            // report the chosen token's own log-probability
  std::vector<TokenId> logprob_tokens;  // report those of these tokens, wherever one is drawn
};

// Positions that its prompt, which fits the context, and its continuation can take.
std::size_t positions_needed(const Request& request, const ModelSpec& spec);

// Log-probabilities are the model's own: before bias, penalties, temperature and filters.
struct GeneratedToken {
  TokenId id = 0;
  double logprob = 0;               // if want_logprob
  std::size_t loops = 0;            // that the network went through before it was drawn; 0: it has none
  std::vector<TokenLogprob> top;    // `logprobs` entries
  std::vector<TokenLogprob> named;  // of `logprob_tokens`, in their order
};

struct Completion {
  std::string text;                    // whole characters, without the stop string
  std::vector<GeneratedToken> tokens;  // as drawn, the end token (and a stop string's tokens) included
  FinishReason finish = FinishReason::length;
  bool complete = true;  // the text is what the request's constraint says
  std::size_t prompt_tokens = 0;
  SamplingFeedback feedback;  // what the next draw would start from
};

// Called once for each token, with the text that it made certain (often its own, sometimes none or more).
// Together the texts are Completion::text. Returning false ends the request quietly (the reader went away).
using Sink = std::function<bool(std::string_view text, const GeneratedToken& token)>;

// A text that others begin with.
struct BeginningRequest {
  std::vector<TokenId> ids;
  std::size_t adapter = 0;  // as Request::adapter
};

// How likely a text is, token by token.
struct ScoreRequest {
  std::vector<TokenId> ids;
  std::size_t first = 1;     // the ids from this one on are scored; at least 1, at most ids.size()
  bool last_logits = false;  // report the raw scores after the last id
  std::size_t adapter = 0;   // as Request::adapter
  std::size_t top = 0;       // alternatives to report per scored token
};

struct Score {
  std::vector<double> logprobs;          // entry i: ln p(ids[first + i] | the ids before it)
  std::vector<unsigned char> likeliest;  // entry i: 1 if no other token is likelier there (the lower id counts as that)
  std::vector<float> last_logits;        // vocab_size, if asked for
  std::vector<std::vector<TokenLogprob>> top;  // entry i: the likeliest tokens in place of ids[first + i], if asked for
};

}  // namespace continuo
