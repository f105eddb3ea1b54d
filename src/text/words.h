// SentencePiece's words. A vocabulary in which "▁" only ever begins a piece can encode them one by one.
#pragma once

#include <string_view>

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

}  // namespace continuo
