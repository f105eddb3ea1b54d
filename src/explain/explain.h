// `continuo explain`: runs a text through a model with a recorder listening, and looks at what was recorded.
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "explain/recording.h"
#include "quant/format.h"
#include "sampling/options.h"
#include "sampling/stages.h"
#include "text/tokenizer.h"

namespace continuo {
struct Model;
struct KernelTable;
class ThreadPool;
}  // namespace continuo

namespace continuo::explain {

// Tokens that can be drawn at once; a longer text needs a window.
inline constexpr std::size_t kLongestWindow = 128;
// Scores of the last row that the page names.
inline constexpr std::size_t kNamedLogits = 400;

struct Question {
  std::vector<TokenId> ids;                  // the text
  std::size_t generated = 0;                 // the last so many of them were generated
  std::size_t from = 0, to = 0;              // the window; not empty, at most kLongestWindow tokens, inside the text
  unsigned parts = kAllParts;                // what is wanted, of Part
  std::size_t layer = 0, head = 0;           // the head that is drawn large
  std::optional<TokenId> mask;               // of networks that see both sides: what hides a token
  bool no_limits = false;                    // on the work of leaving parts out
  bool without_mask = false;                 // record what rows would look like without the causal mask, too
  std::size_t continuation = 6;              // tokens of "how the text would have gone on"; 0: none
  SamplingOptions sampling;                  // of the ladder
  std::optional<SamplingFeedback> feedback;  // of the draws before it; none: there were none
  double curve_seconds = 0;                  // time to spend on the curve of the cost view; 0: none
  std::size_t curve_limit = 4096;            // its longest length
};

// What computes.
struct Machine {
  const Model& model;
  const Tokenizer* tokenizer;  // null: there is none
  const KernelTable& kernels;
  ThreadPool& threads;
  Format kv_type = Format::f32;  // of kv_types(): what remembered keys and values are rounded to
};

Result<Recording> explain(const Machine& machine, const Question& question, const std::atomic<bool>& interrupted);

// ---- its parts, one file each ----

// tokens.cpp. Ids, pieces, cuts; norms and nearest entries of the vocabulary.
void describe_tokens(const Machine& machine, const Question& question, Recording& recording);
// What a token spells inside a text (at its beginning some tokenizers drop a blank).
std::string spelled(const Tokenizer& tokenizer, TokenId id);
// positions.cpp
void describe_positions(const Machine& machine, Recording& recording);
// lens.cpp. Each layer's guess: nostalgebraist 2020, "interpreting GPT: the logit lens".
void read_lens(const Machine& machine, Recording& recording);
// outputs.cpp. Guesses, surprisal, ranks.
void describe_outputs(const Question& question, Recording& recording);
// The same of each token hidden behind a mask, given all others (Salazar et al. 2019, arXiv:1910.14659).
Result<void> describe_masked_outputs(const Machine& machine, const Question& question, Recording& recording,
                                     const std::atomic<bool>& interrupted);
// ladder.cpp. From the last row's logits to the draw, stage by stage. `position`: of the token to be drawn.
Ladder climb(std::span<const float> logits, std::span<const TokenId> text, std::size_t generated,
             const SamplingOptions& options, const std::optional<SamplingFeedback>& feedback = {});

// The k largest, best first, the lower id first among equals, as probabilities of the softmax of `logits`.
std::vector<Guess> best_guesses(std::span<const float> logits, std::size_t k);
// How many tokens are likelier than `id` (of equals, those with lower ids).
std::size_t rank_of(std::span<const float> logits, TokenId id);

}  // namespace continuo::explain
