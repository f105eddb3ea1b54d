// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909): a piece of text starts as its characters; of
// all neighbours that the merges name, the pair of the lowest rank (of these, the leftmost) is joined, until
// none is left.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/byte_pieces.h"
#include "text/merge_source.h"
#include "text/merge_table.h"
#include "text/rank_queue.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace continuo {

struct BpeOptions {
  std::optional<std::string> unk_token = {};  // stands for characters that the vocabulary lacks; else they vanish
  bool fuse_unk = false;                      // unknown characters in a row become one unk_token
  bool byte_fallback = false;                 // characters that the vocabulary lacks become the pieces <0x00> to <0xFF>
  bool ignore_merges = false;                 // a piece that the vocabulary has as a whole is that token, merges or not
  bool byte_level = false;  // text comes as bytes, and the vocabulary spells them in the byte-level alphabet
};

class Bpe {
 public:
  // Memory that encode() uses again and again; one per thread.
  struct Scratch {
    struct Symbol {
      TokenId id;
      std::uint32_t previous, next;
      std::uint32_t rank;  // of the merge with the next symbol
    };
    std::vector<TokenId> ids;
    std::vector<std::uint32_t> ranks;
    std::vector<Symbol> symbols;
    RankQueue queue;
    WordCache cache;
    std::string spelled;  // in the byte-level alphabet
  };

  static Result<Bpe> create(std::shared_ptr<const Vocabulary> vocabulary, BpeOptions options,
                            std::span<const MergeLine> merges, const std::string& file);

  // Appends the ids of one piece of text.
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  // Characters below this have their ids in a table.
  static constexpr char32_t kTableSize = 0x180;

  Result<void> add_merges(std::span<const MergeLine> merges, const std::string& file);
  Result<void> fill_tables(const std::string& file);
  TokenId find_character(std::string_view bytes, char32_t code) const;
  // Into scratch.ids.
  void first_symbols(std::string_view word, Scratch& scratch) const;
  void first_symbols_of_bytes(std::string_view word, Scratch& scratch) const;
  void encode_word(std::string_view word, Scratch& scratch) const;
  void merge_short(Scratch& scratch) const;
  void merge_long(Scratch& scratch) const;
  std::optional<TokenId> find_whole(std::string_view piece, Scratch& scratch) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  BpeOptions options_;
  MergeTable merges_;
  std::array<TokenId, kTableSize> characters_{};
  std::array<TokenId, 256> bytes_{};  // of the byte-level alphabet
  bool has_all_bytes_ = false;
  BytePieces byte_pieces_{};
  TokenId unk_ = -1;
  // No merge joins anything to a following "▁" except another "▁": words can be encoded one by one.
  bool blanks_begin_words_ = false;
};

}  // namespace continuo
