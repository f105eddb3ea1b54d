// What the expressions of pre-tokenizers ask of a character: is it a letter, a number, white space?
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "text/utf8.h"

namespace continuo {

enum class CharClass : std::uint8_t {
  none,     // the end of the text, or bytes that are not UTF-8
  other,    // none of the following
  letter,   // \p{L}
  number,   // \p{N}
  space,    // \s, but not the next
  newline,  // \r, \n
};

struct ClassifiedChar {
  CharClass kind = CharClass::none;
  std::uint8_t size = 0;  // 0 for none
};

namespace detail {
inline constexpr std::array<CharClass, 128> kAsciiClasses = [] {
  std::array<CharClass, 128> table{};
  for (std::size_t c = 0; c < 128; ++c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    table[c] = is_letter                              ? CharClass::letter
               : c >= '0' && c <= '9'                 ? CharClass::number
               : c == '\r' || c == '\n'               ? CharClass::newline
               : c == ' ' || (c >= '\t' && c <= '\r') ? CharClass::space
                                                      : CharClass::other;
  }
  return table;
}();
}  // namespace detail

// The class of a character as the regular-expression engine of the reference library sees it, which may know
// newer characters than PCRE2. Any thread may call it.
CharClass char_class(char32_t code);

// The character at `at`, which may be the end of the text.
inline ClassifiedChar classify(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {detail::kAsciiClasses[byte], 1};
  const Utf8Char c = utf8_at(text, at);
  if (!c.valid) return {};
  return {char_class(c.code), c.size};
}

}  // namespace continuo
