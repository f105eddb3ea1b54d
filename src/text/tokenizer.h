// Bytes <-> token ids, as a Hugging Face tokenizer.json describes it: added tokens, normalizer,
// pre-tokenizer, model (BPE), post-processor, decoder. A part this file does not know is an error that names
// it.
//
// BPE: Sennrich et al. 2016 (arXiv:1508.07909); byte-level BPE: Radford et al. 2019 (GPT-2);
// unigram: Kudo 2018 (arXiv:1804.10959); byte fallback: SentencePiece (arXiv:1808.06226).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/plain_text.h"

namespace continuo {

struct TokenizerParts;  // tokenizer_parts.h

class Tokenizer {
 public:
  // `json`: the bytes of tokenizer.json; `file` is named in errors. The bytes need not outlive the call.
  static Result<Tokenizer> parse(std::string_view json, const std::string& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes are accepted; byte-level models keep bytes that are not UTF-8. `add_special` adds what the
  // post-processor adds around a prompt (BOS and the like). Added tokens written out in the text are
  // recognised, as in the reference library.
  // An error, with the file that the tokenizer is of, where the text takes more work than a text may
  // (text_work.h).
  Result<std::vector<TokenId>> try_encode(std::string_view text, bool add_special) const;
  // The same of a text that is plain in some places: no special or control token is read out of what lies there, even
  // in part. Other added tokens are found there as everywhere.
  Result<std::vector<TokenId>> try_encode(std::string_view text, const PlainText& plain, bool add_special) const;
  // The same of a tokenizer and a text that are known to be sound.
  std::vector<TokenId> encode(std::string_view text, bool add_special) const;

  // How many ids encode(text, true) puts before the text's own.
  std::size_t special_before() const;

  // The raw bytes of the ids: for byte-level tokenizers decode(encode(text, false), ...) == text for any
  // bytes. Ids outside the vocabulary decode to nothing; callers check them first. `skip_special` leaves out
  // special tokens.
  std::string decode(std::span<const TokenId> ids, bool skip_special) const;

  // The bytes that an id adds inside a text (at its beginning some tokenizers drop a blank); none for a special token.
  std::string bytes_of(TokenId id) const;

  // 1 + the largest id (ids between may be unused).
  std::size_t vocab_size() const;
  // The piece as the file writes it ("Ġonce", "▁once", "<0x0A>"), empty for an unused id.
  std::string_view piece(TokenId id) const;
  std::optional<TokenId> find(std::string_view piece) const;
  bool is_special(TokenId id) const;

 private:
  friend class StreamDecoder;
  friend Tokenizer make_tokenizer(TokenizerParts parts);
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
