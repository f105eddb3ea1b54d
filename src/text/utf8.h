// UTF-8 (Unicode 15.0, section 3.9) over bytes that may not be UTF-8, and the few character classes that text
// needs.
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

namespace detail {
Utf8Char any_utf8_at(std::string_view bytes, std::size_t at);
}

// The character at `at`, which must be inside `bytes`.
inline Utf8Char utf8_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true, false};
  // Most others: two bytes, or three in the range where every second byte is good.
  if (byte(0) >= 0xc2 && byte(0) < 0xe0 && bytes.size() - at >= 2 && (byte(1) & 0xc0) == 0x80) {
    return {static_cast<char32_t>((byte(0) & 0x1f) << 6 | (byte(1) & 0x3f)), 2, true, false};
  }
  if (byte(0) > 0xe0 && byte(0) < 0xed && bytes.size() - at >= 3 && (byte(1) & 0xc0) == 0x80 &&
      (byte(2) & 0xc0) == 0x80) {
    const auto code = (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    return {static_cast<char32_t>(code), 3, true, false};
  }
  return detail::any_utf8_at(bytes, at);
}

void append_utf8(std::string& out, char32_t code);

// The length of the longest beginning of `bytes` that is valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view bytes);

// Unicode's White_Space.
bool is_white_space(char32_t code);
// Alphabetic characters, marks, decimal numbers, connectors and joiners (\w in UTS #18), as the reference
// library `tokenizers` knows them where no tokenizer's own expression is at work.
bool is_word_character(char32_t code);

// The character that ends at `end` (which must not be 0), as if read backwards.
Utf8Char utf8_before(std::string_view bytes, std::size_t end);

}  // namespace continuo
