#include "base/printable.h"

#include <fmt/format.h>

#include <cstdint>

#include "base/utf8_size.h"

namespace continuo {

namespace {

// The character of a valid sequence.
std::uint32_t code_of(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0xffu >> (bytes.size() + 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) code = code << 6 | (byte(i) & 0x3f);
  return code;
}

bool is_harmful(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool direction = code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                         (code >= 0x2066 && code <= 0x2069);
  return control || direction || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_size(text.substr(at));
    const std::string_view character = text.substr(at, size == 0 ? 1 : size);
    at += character.size();
    if (size > 0 && !is_harmful(code_of(character))) {
      out += character;
    } else {
      for (const char c : character) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

namespace {

constexpr std::size_t kLongestMessage = 1000;
constexpr std::string_view kLeftOut = " [...] ";

// A message that is too long is cut in its middle: a name stands at its beginning, what to do at its end.
std::string shortened(const std::string& text) {
  if (text.size() <= kLongestMessage) return text;
  const auto is_continuation = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  std::size_t head = (kLongestMessage - kLeftOut.size()) * 2 / 3,
              tail = text.size() - (kLongestMessage - kLeftOut.size()) / 3;
  while (head > 0 && is_continuation(head)) --head;
  while (tail < text.size() && is_continuation(tail)) ++tail;
  return text.substr(0, head) + std::string(kLeftOut) + text.substr(tail);
}

}  // namespace

std::string message_line(std::string_view text) { return shortened(printable(text)); }

}  // namespace continuo
