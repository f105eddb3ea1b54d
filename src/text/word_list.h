// A vocabulary without a model: at each place the longest piece that the text begins with there (RWKV World).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/byte_trie.h"
#include "text/piece_kind.h"
#include "text/vocabulary.h"

namespace continuo {

class WordList {
 public:
  struct Scratch {};

  // `kinds`: by id, or empty: all are normal, and others are not looked for. Every byte must have a piece.
  static Result<WordList> create(const Vocabulary& vocabulary, const std::vector<PieceKind>& kinds,
                                 const std::string& file);

  // Appends the ids of one piece of text.
  void encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  ByteTrie trie_;
};

}  // namespace continuo
