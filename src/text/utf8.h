// UTF-8 (Unicode 15.0, section 3.9) over bytes that may not be UTF-8, and the few character classes that text needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace continuo {

// One character, or one maximal invalid part (1 to 3 bytes).
struct Utf8Char {
  char32_t code = 0;
  std::uint8_t size = 0;
  bool valid = false;
  bool cut_short = false;  // invalid only because the bytes end here: more bytes could complete it
};

// The character at `at`, which must be inside `bytes`.
Utf8Char utf8_at(std::string_view bytes, std::size_t at);

void append_utf8(std::string& out, char32_t code);

// The length of the longest beginning of `bytes` that is valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view bytes);

// Unicode's White_Space.
bool is_white_space(char32_t code);
// What \w matches in UTS #18: alphabetic characters, marks, decimal numbers, connectors and joiners.
bool is_word_character(char32_t code);

// The character that ends at `end` (which must not be 0), as if read backwards.
Utf8Char utf8_before(std::string_view bytes, std::size_t end);

}  // namespace continuo
