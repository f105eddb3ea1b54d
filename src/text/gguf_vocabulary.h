// The vocabulary inside a GGUF file: the metadata under "tokenizer.ggml." as plain values, and the tokenizer
// it makes. Nothing here knows how a GGUF file is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"

namespace continuo {

// A field without a value, or an empty span, is a key that the file lacks. Nothing is checked yet: numbers
// are as the file has them. What the views point at must stay until tokenizer_from_gguf() returns, not
// longer.
struct GgufVocabulary {
  std::string model;                          // tokenizer.ggml.model: "gpt2", "llama", "t5", "rwkv", ...
  std::optional<std::string> pre;             // tokenizer.ggml.pre: the name of gpt2's pre-tokenizer
  std::span<const std::string_view> tokens;   // tokenizer.ggml.tokens, by id
  std::span<const float> scores;              // tokenizer.ggml.scores: empty, or one for each token
  std::span<const std::int32_t> token_types;  // tokenizer.ggml.token_type (PieceKind): empty, or one for each token
  std::span<const std::string_view> merges;   // tokenizer.ggml.merges: "left right", the first rank first

  // tokenizer.ggml.bos_token_id and so on
  std::optional<std::int64_t> bos_token_id, eos_token_id, unknown_token_id;
  std::optional<std::int64_t> cls_token_id, separator_token_id;  // "bert"; without them: 101, 102
  std::optional<bool> lowercase,
      strip_accents;                                   // tokenizer.ggml.normalizer.*; without them: true, as lowercase
  std::optional<bool> add_bos_token, add_eos_token;    // without them: the habit of the model or of `pre`
  std::optional<bool> add_space_prefix;                // without it: true for "llama" and "t5", false for "gpt2"
  std::optional<bool> remove_extra_whitespaces;        // without it: false for "llama", true for "t5"
  std::span<const std::uint8_t> precompiled_charsmap;  // SentencePiece's normalization; empty: none
};

// `file` is named in errors.
Result<Tokenizer> tokenizer_from_gguf(const GgufVocabulary& vocabulary, const std::string& file);

}  // namespace continuo
