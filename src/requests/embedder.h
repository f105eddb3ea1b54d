// Texts into vectors: tokens, hidden states, one vector for each text.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "generate/encoder.h"
#include "loading/loaded_model.h"
#include "loading/embedding_settings.h"

namespace continuo {

struct EmbeddingText {
  std::vector<TokenId> ids;
  bool truncated = false;  // the text has more
};

class Embedder {
 public:
  // `model` must outlive the embedder. Where the settings name no pooling, encoders take the mean, other networks the
  // last token.
  static Result<Embedder> create(const LoadedModel& model, EmbeddingSettings settings, const EngineOptions& options);

  // A text as the network takes it. The model has a tokenizer.
  Result<EmbeddingText> read(std::string_view text) const;
  Result<void> check(std::span<const TokenId> ids) const { return encoder_.check({.ids = ids}); }

  // A row of width() values for each text that check() has nothing against. Rows do not depend on the company. An error
  // if a value is not a number.
  Result<std::vector<float>> embed(std::span<const std::span<const TokenId>> texts);
  std::size_t width() const { return static_cast<std::size_t>(model_->network.spec.d_model); }

 private:
  Embedder(const LoadedModel& model, Encoder encoder, EmbeddingSettings settings);
  Result<void> embed_step(std::span<const EncoderText> texts, std::span<float> rows);

  const LoadedModel* model_;
  Encoder encoder_;
  EmbeddingSettings settings_;  // pooling is settled
};

}  // namespace continuo
