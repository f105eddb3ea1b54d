// SentencePiece's own normalizer: a character map, blanks made visible ("▁"), one put before the text, and
// those too many dropped.
#pragma once

#include <string>
#include <string_view>

#include "text/byte_trie.h"
#include "text/charsmap.h"

namespace continuo {

struct SentencePieceNormalizer {
  Charsmap map;
  ByteTrie untouched;  // user-defined symbols, which the map does not touch
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  // Bytes that are not UTF-8 stay as they are. Throws TextFault where the text costs more than `work` allows.
  std::string apply(std::string_view text, TextWork& work) const;

 private:
  std::string_view next(std::string_view& text) const;
};

}  // namespace continuo
