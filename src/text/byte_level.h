// GPT-2's byte-level alphabet: every byte has a printable character, so that any bytes are text for a
// vocabulary. Bytes that are printable in Latin-1 are themselves; the others are U+0100 and on, in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace continuo {

// The bytes in the byte-level alphabet, appended to `out`.
void append_byte_level(std::string& out, std::string_view bytes);
// The bytes that `piece` spells, or nothing if a character of it is not in the alphabet.
std::optional<std::string> byte_level_bytes(std::string_view piece);

}  // namespace continuo
