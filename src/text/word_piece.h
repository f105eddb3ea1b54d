// WordPiece (Schuster & Nakajima 2012; Devlin et al. 2018): a word is cut from the left into the longest
// pieces of the vocabulary, where those after the first carry a prefix ("##"); a word for which that fails is
// one unknown token.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/byte_trie.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace continuo {

// Bounds the time that a word takes; models say 100.
inline constexpr std::int64_t kMaxWordPieceChars = 1000;

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;  // a longer word is unknown
};

class WordPiece {
 public:
  struct Scratch {
    std::vector<TokenId> ids;
    WordCache cache;
  };

  // The vocabulary must have the unknown token.
  static Result<WordPiece> create(const Vocabulary& vocabulary, const WordPieceOptions& options,
                                  const std::string& file);

  // Appends the ids of one word.
  void encode(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  // Into `ids`.
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;

  ByteTrie first_, continuing_;  // pieces as they are; those with the prefix, without it
  TokenId unk_id_ = 0;
  std::size_t max_chars_ = 0;
};

}  // namespace continuo
