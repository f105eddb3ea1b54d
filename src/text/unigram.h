// The unigram language model (Kudo 2018, arXiv:1804.10959): of all ways to cut a text into pieces the one
// whose scores (log-probabilities) have the largest sum, found by the Viterbi algorithm.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/byte_pieces.h"
#include "text/byte_trie.h"
#include "text/piece_kind.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace continuo {

struct UnigramOptions {
  std::optional<TokenId> unk_id = {};  // one token for a run of unknown characters; without it they vanish
  bool byte_fallback = false;          // unknown characters become their bytes' pieces instead
  // SentencePiece's own rules, which the reference of tokenizer.json does not have: by id; empty: all are
  // normal.
  std::vector<PieceKind> kinds = {};
};

class Unigram {
 public:
  struct Scratch {
    struct Node {
      double score;
      TokenId id;
      std::uint32_t begin;  // of the best last piece that ends here; kNone: nothing does
    };
    std::vector<Node> best;  // by where a piece ends
    std::vector<std::uint32_t> ends;
    std::vector<TokenId> ids;
    WordCache cache;
  };

  // `scores`: by id, none of them NaN or infinite.
  static Result<Unigram> create(std::shared_ptr<const Vocabulary> vocabulary, const std::vector<double>& scores,
                                UnigramOptions options, const std::string& file);

  // Appends the ids of one piece of text.
  void encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  Result<void> add(TokenId id, double score, const std::string& file);
  PieceKind kind(TokenId id) const;
  void encode_word(std::string_view word, Scratch& scratch) const;
  void find_best(std::string_view word, Scratch& scratch) const;
  void put_unknown(std::string_view text, std::vector<TokenId>& out) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  UnigramOptions options_;
  ByteTrie trie_;
  std::vector<double> scores_;  // by id
  double unk_score_ = 0, largest_score_ = 0;
  std::optional<BytePieces> byte_pieces_;
  bool blanks_begin_words_ = false;
};

}  // namespace continuo
