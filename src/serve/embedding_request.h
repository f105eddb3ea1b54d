// The body of POST /v1/embeddings, and its answer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "requests/embedder.h"

namespace continuo {

struct EmbeddingRequest {
  std::vector<EmbeddingText> texts;
  bool base64 = false;  // rows as base64 of little-endian float32
  std::string model;    // "" if it is not said

  std::size_t tokens() const;
};

// Errors name the field. `has_text`: the model has a tokenizer; without one token ids are all that it takes.
Result<EmbeddingRequest> parse_embedding(std::string_view body, const Embedder& embedder, bool has_text);

// `rows`: a vector for each text.
std::string embedding_json(const EmbeddingRequest& request, const std::string& model, std::span<const float> rows);
// Bytes that a request and its answer take, roughly.
std::size_t bytes_of(const EmbeddingRequest& request, std::size_t width);

// All fields that a request for embeddings knows.
std::span<const std::string_view> embedding_fields();

}  // namespace continuo
