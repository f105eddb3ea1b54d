// Unicode normalization forms (UAX #15) of bytes that may not be UTF-8, by the tables of the reference
// library `tokenizers`: characters that are newer than those of Unicode 9 stay as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace continuo {

struct UnicodeForm {
  bool compatible = false;  // NFKC, NFKD
  bool composed = false;    // NFC, NFKC
};

// "NFC", "NFD", "NFKC" or "NFKD".
std::optional<UnicodeForm> unicode_form(std::string_view name);

// Bytes that are not UTF-8 stay as they are and keep what is around them apart.
std::string normalize_unicode(std::string text, UnicodeForm form);

// Every character in lower case by itself, whatever is around it.
std::string lowercase(std::string_view text);

}  // namespace continuo
