#include "text/byte_level.h"

#include <array>

#include "text/utf8.h"

namespace continuo {

namespace {

constexpr bool is_printable_latin1(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

struct Alphabet {
  std::array<char16_t, 256> character{};
  std::array<short, 0x144> byte{};  // -1: no byte; 188 characters are Latin-1, the other 68 end at U+0143
};

constexpr Alphabet kAlphabet = [] {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte) byte = -1;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const unsigned character = is_printable_latin1(byte) ? byte : next++;
    alphabet.character[byte] = static_cast<char16_t>(character);
    alphabet.byte[character] = static_cast<short>(byte);
  }
  return alphabet;
}();

}  // namespace

void append_byte_level(std::string& out, std::string_view bytes) {
  for (const char c : bytes) append_utf8(out, kAlphabet.character[static_cast<unsigned char>(c)]);
}

std::optional<std::string> byte_level_bytes(std::string_view piece) {
  std::string bytes;
  for (std::size_t at = 0; at < piece.size();) {
    const Utf8Char c = utf8_at(piece, at);
    if (c.code >= kAlphabet.byte.size() || kAlphabet.byte[c.code] < 0) return std::nullopt;
    bytes += static_cast<char>(static_cast<unsigned char>(kAlphabet.byte[c.code]));
    at += c.size;
  }
  return bytes;
}

}  // namespace continuo
