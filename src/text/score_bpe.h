// SentencePiece's byte-pair encoding (arXiv:1808.06226): a text starts as its characters; of all neighbours
// that together are a piece, the pair whose piece has the highest score (of these, the leftmost) is joined,
// until none is left. There is no list of merges: what joins is what the vocabulary has.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/byte_pieces.h"
#include "text/byte_trie.h"
#include "text/piece_kind.h"
#include "text/rank_queue.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace continuo {

struct ScoreBpeOptions {
  std::vector<PieceKind> kinds;        // by id
  std::optional<TokenId> unk_id = {};  // one token for a run of unknown characters; without it they vanish
  bool byte_fallback = false;          // unknown characters become their bytes' pieces instead
};

class ScoreBpe {
 public:
  struct Scratch {
    struct Symbol {
      std::uint32_t begin, size;
      std::uint32_t previous, next;
      TokenId id;             // -1: not a piece
      std::uint32_t rank;     // of joining it with the next symbol
      TokenId joined;         // what that makes
      bool is_fixed = false;  // a user-defined symbol
    };
    std::vector<Symbol> symbols;
    std::vector<TokenId> ids;
    RankQueue queue;
    WordCache cache;
    std::unordered_map<std::string_view, std::uint32_t> splits;  // unused piece -> the size of its left part
  };

  // `scores`: by id, none of them NaN.
  static Result<ScoreBpe> create(std::shared_ptr<const Vocabulary> vocabulary, std::vector<float> scores,
                                 ScoreBpeOptions options, const std::string& file);

  // Appends the ids of one piece of text.
  void encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  std::optional<TokenId> find(std::string_view piece) const;
  PieceKind kind(TokenId id) const { return options_.kinds[static_cast<std::size_t>(id)]; }
  void encode_word(std::string_view word, Scratch& scratch) const;
  void first_symbols(std::string_view word, Scratch& scratch) const;
  void look(std::string_view word, std::uint32_t left, Scratch& scratch) const;
  void put(std::string_view piece, TokenId id, std::vector<TokenId>& out) const;
  void put_symbol(std::string_view piece, TokenId id, Scratch& scratch) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::vector<float> scores_;
  ScoreBpeOptions options_;
  ByteTrie user_defined_;
  std::optional<BytePieces> byte_pieces_;
  bool has_unused_ = false;
  bool blanks_begin_words_ = false;
};

}  // namespace continuo
