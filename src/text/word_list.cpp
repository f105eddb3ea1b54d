#include "text/word_list.h"

#include <fmt/format.h>

namespace continuo {

Result<WordList> WordList::create(const Vocabulary& vocabulary, const std::vector<PieceKind>& kinds,
                                  const std::string& file) {
  WordList list;
  for (std::size_t i = 0; i < vocabulary.id_count(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = vocabulary.piece(id);
    if (piece.empty() || (!kinds.empty() && kinds[i] != PieceKind::normal)) continue;
    if (!list.trie_.add(piece, id)) {
      return model_error(file, "the vocabulary's pieces are too many, longer than 1024 bytes, or chosen to collide");
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(static_cast<unsigned char>(byte));
    if (list.trie_.longest_prefix({&c, 1})) continue;
    return model_error(file, fmt::format("the vocabulary has no piece for the byte 0x{:02x}", byte));
  }
  return list;
}

void WordList::encode(std::string_view text, Scratch&, std::vector<TokenId>& out) const {
  while (!text.empty()) {
    const auto match = trie_.longest_prefix(text);
    CONTINUO_CHECK(match, "every byte has a piece");
    out.push_back(match->value);
    text.remove_prefix(match->size);
  }
}

}  // namespace continuo
