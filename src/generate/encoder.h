// Whole texts through the network, without continuing them: scores of the vocabulary or hidden states at
// positions. For networks that see both sides (BERT) the only way; hidden states of causal ones too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "generate/engine_options.h"
#include "model/model.h"

namespace continuo {

struct EncoderText {
  std::span<const TokenId> ids;
  std::span<const std::uint8_t> token_types = {};  // one for each id, or empty: all 0
  std::span<const std::size_t> positions = {};     // where results are wanted; empty: everywhere
};

class Encoder {
 public:
  // `model` must outlive the encoder. Of the options those that say how to compute matter. An error if the
  // kernels are unknown.
  static Result<Encoder> create(const Model& model, const EngineOptions& options);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  // What can be said against a text: no ids, ids or token types out of range (usage), more than the context
  // holds (context).
  Result<void> check(const EncoderText& text) const;
  // Texts that `check` has nothing against, in one step; what is computed for a text does not depend on the
  // others. Results of text after text, position after position; valid until the next call. vocab_size logits
  // for each position. The network has an output (ModelSpec::has_output).
  std::span<const float> logits(std::span<const EncoderText> texts);
  // d_model values for each position, behind the last norm.
  std::span<const float> hidden_states(std::span<const EncoderText> texts);

  // The log-probability of the token at each of a text's positions, given all others: the text is run once for each,
  // with `mask` in the token's place. Results of text after text, position after position. The sum over a text is its
  // pseudo-log-likelihood (Salazar et al. 2019, arXiv:1910.14659). `go_on` is asked after each step, with how many
  // results there are; false ends it (interrupted). An error as well if a score is not a number.
  Result<std::vector<double>> masked_log_probabilities(std::span<const EncoderText> texts, TokenId mask,
                                                       const std::function<bool(std::size_t)>& go_on = {});

 private:
  struct Impl;
  explicit Encoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
