// Walks through JSON without building a tree: for the large regular parts of a tokenizer.json (vocabulary,
// merges). Strict (RFC 8259); what is skipped must be parsed by someone else to be checked. The text must be
// valid UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

class JsonScanner {
 public:
  // `base`: where `text` begins in the file, for offsets in errors. Neither argument is copied.
  JsonScanner(std::string_view text, const std::string& file, std::size_t base = 0)
      : text_(text), file_(&file), base_(base) {}

  // The next byte that is not blank, not consumed; 0 at the end.
  char peek() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
      ++at_;
    }
    return 0;
  }
  // Consumes `c` if it comes next.
  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  Result<void> expect(char c, const char* what) {
    if (accept(c)) return {};
    return expected(c, what);
  }
  // A string with its escapes resolved; valid until the next call.
  Result<std::string_view> string();
  // The same for a string without escapes; false, with nothing consumed, if it is not one (or no string at
  // all).
  bool plain_string(std::string_view& out);
  // A whole number from 0 to `max`.
  Result<std::int64_t> whole_number(std::int64_t max);
  Result<double> number();
  // The bytes of the next value, whatever it is: only quotes and brackets are looked at. At most
  // kMaxJsonDepth deep.
  Result<std::string_view> skip_value();

  std::size_t offset() const { return base_ + at_; }
  Error error(std::string what) const;

 private:
  Error expected(char c, const char* what) const;
  std::size_t end_of_run(std::size_t at) const;
  Result<std::string_view> string_with_escapes(std::size_t begin);
  Result<void> escape();
  Result<std::uint32_t> four_hex_digits();
  Result<void> skip_string();

  std::string_view text_;
  const std::string* file_;
  std::size_t base_;
  std::size_t at_ = 0;
  std::string buffer_;
};

}  // namespace continuo
