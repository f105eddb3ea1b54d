// SentencePiece's words. A vocabulary in which "▁" only ever begins a piece can encode them one by one.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace continuo {

inline constexpr std::string_view kVisibleBlank = "\xe2\x96\x81";  // "▁"

// Where the next word after `from` begins: at a "▁" after something else than "▁". The end if there is none.
inline std::size_t find_word_begin(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(kVisibleBlank, from); at != std::string_view::npos;
       at = text.find(kVisibleBlank, at + 1)) {
    if (at >= 3 ? text.substr(at - 3, 3) != kVisibleBlank : at > 0) return at;
  }
  return text.size();
}

// Positions in a word are 32-bit numbers; longer texts are cut.
inline constexpr std::size_t kLongestWord = std::size_t{1} << 30;

struct WordRules {
  bool blanks_begin_words = false;  // else all of the text is one word
  TokenId fused = -1;               // at the end of a word and at the beginning of the next, it is one; -1: none is
};

// Appends the ids of `text`, word by word. `encode_word` puts those of a word into scratch.ids; those of
// short words that come again are in scratch.cache.
template <class Scratch, class EncodeWord>
void encode_words(std::string_view text, const WordRules& rules, Scratch& scratch, std::vector<TokenId>& out,
                  EncodeWord encode_word) {
  const std::size_t before = out.size();
  while (!text.empty()) {
    const std::size_t size = rules.blanks_begin_words ? find_word_begin(text, 1) : text.size();
    const std::string_view word = text.substr(0, std::min(size, kLongestWord));
    text.remove_prefix(word.size());
    std::span<const TokenId> ids = scratch.cache.find(word);
    if (ids.empty()) {
      encode_word(word);
      scratch.cache.remember(word, scratch.ids);
      ids = scratch.ids;
    }
    const bool follows = rules.fused >= 0 && out.size() > before && out.back() == rules.fused;
    if (follows && !ids.empty() && ids.front() == rules.fused) ids = ids.subspan(1);
    out.insert(out.end(), ids.begin(), ids.end());
  }
}

}  // namespace continuo
