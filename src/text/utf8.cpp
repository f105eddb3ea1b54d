#include "text/utf8.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/character_tables.h"

namespace continuo {

namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// How many bytes a leading byte announces (0: none), and the range of the second byte (Unicode 15.0, table
// 3-7).
struct Lead {
  std::uint8_t size = 0;
  unsigned char low = 0x80, high = 0xbf;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {0};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

}  // namespace

Utf8Char detail::any_utf8_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1, true, false};
  const Lead lead = lead_of(first);
  if (lead.size == 0) return {0xfffd, 1, false, false};
  char32_t code = first & (0x7fu >> lead.size);
  for (std::uint8_t i = 1; i < lead.size; ++i) {
    if (at + i == bytes.size()) return {0xfffd, i, false, true};
    const unsigned char next = byte(at + i);
    if (i == 1 ? next < lead.low || next > lead.high : !is_continuation(next)) return {0xfffd, i, false, false};
    code = code << 6 | (next & 0x3f);
  }
  return {code, lead.size, true, false};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::size_t valid_utf8_prefix(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (i + 8 <= bytes.size()) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + i, 8);
      const std::uint64_t high = word & 0x8080808080808080u;
      if (high == 0) {
        i += 8;
        continue;
      }
      i += static_cast<std::size_t>(std::countr_zero(high)) / 8;
    }
    const Utf8Char c = utf8_at(bytes, i);
    if (!c.valid) break;
    i += c.size;
  }
  return i;
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_word_character(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  return find_range(tables::kWordCharacters, c) != nullptr;
}

Utf8Char utf8_before(std::string_view bytes, std::size_t end) {
  const std::size_t furthest = std::min<std::size_t>(4, end);
  for (std::size_t back = 1; back <= furthest; ++back) {
    const Utf8Char c = utf8_at(bytes.substr(0, end), end - back);
    if (c.valid && c.size == back) return c;
  }
  return {0xfffd, 1, false, false};
}

}  // namespace continuo
