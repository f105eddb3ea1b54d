#include "text/json_scanner.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/json.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Bytes that end the plain run of a string: the quote, the backslash, and controls, which are not allowed.
constexpr std::array<bool, 256> kEndsRun = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = true;
  table['"'] = table['\\'] = true;
  return table;
}();

}  // namespace

Error JsonScanner::error(std::string what) const {
  return {.what = std::move(what),
          .file = *file_,
          .offset = offset(),
          .hint = at_ >= text_.size() ? "was the file cut short?" : ""};
}

Error JsonScanner::expected(char c, const char* what) const {
  return error(fmt::format("'{}' was expected {}", c, what));
}

// The first byte from `at` on that ends the plain run of a string; 8 bytes at a time (the tests of each byte
// are those of "Bit Twiddling Hacks": a borrow can only come from a byte that is a hit itself).
std::size_t JsonScanner::end_of_run(std::size_t at) const {
  constexpr std::uint64_t kOnes = 0x0101010101010101u, kHighs = kOnes * 0x80;
  const auto zero_bytes = [](std::uint64_t v) { return (v - kOnes) & ~v & kHighs; };
  for (; at + 8 <= text_.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text_.data() + at, 8);
    const std::uint64_t below_blank = (word - kOnes * 0x20) & ~word & kHighs;
    const std::uint64_t hits = zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\') | below_blank;
    if (hits != 0) return at + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
  }
  while (at < text_.size() && !kEndsRun[static_cast<unsigned char>(text_[at])]) ++at;
  return at;
}

bool JsonScanner::plain_string(std::string_view& out) {
  if (peek() != '"') return false;
  const std::size_t end = end_of_run(at_ + 1);
  if (end >= text_.size() || text_[end] != '"') return false;
  out = text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  return true;
}

Result<std::string_view> JsonScanner::string() {
  if (std::string_view plain; plain_string(plain)) return plain;
  CONTINUO_TRY_VOID(expect('"', "to begin a string"));
  const std::size_t begin = at_;
  at_ = end_of_run(at_);
  return string_with_escapes(begin);
}

Result<std::string_view> JsonScanner::string_with_escapes(std::size_t begin) {
  buffer_.assign(text_.substr(begin, at_ - begin));
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return std::string_view(buffer_);
    }
    if (c == '\\') {
      CONTINUO_TRY_VOID(escape());
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return error("a control character in a string must be escaped");
    } else {
      buffer_ += c;
      ++at_;
    }
  }
  return error("a string does not end");
}

Result<void> JsonScanner::escape() {
  ++at_;
  const char kind = at_ < text_.size() ? text_[at_++] : '\0';
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      buffer_ += kind;
      return {};
    case 'b':
      buffer_ += '\b';
      return {};
    case 'f':
      buffer_ += '\f';
      return {};
    case 'n':
      buffer_ += '\n';
      return {};
    case 'r':
      buffer_ += '\r';
      return {};
    case 't':
      buffer_ += '\t';
      return {};
    case 'u':
      break;
    default:
      return error("an unknown escape in a string");
  }
  CONTINUO_TRY(std::uint32_t code, four_hex_digits());
  if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    CONTINUO_TRY(const std::uint32_t low, four_hex_digits());
    if (low < 0xdc00 || low > 0xdfff) return error("half a surrogate pair in a string");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code >= 0xd800 && code <= 0xdfff) return error("half a surrogate pair in a string");
  append_utf8(buffer_, code);
  return {};
}

Result<std::uint32_t> JsonScanner::four_hex_digits() {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return error("four hexadecimal digits were expected after \\u");
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  return code;
}

Result<std::int64_t> JsonScanner::whole_number(std::int64_t max) {
  const auto is_digit = [&] { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; };
  peek();
  std::int64_t value = 0;
  const std::size_t begin = at_;
  for (; is_digit() && value <= max; ++at_) value = value * 10 + (text_[at_] - '0');
  const bool ends = at_ >= text_.size() || std::string_view(".eE").find(text_[at_]) == std::string_view::npos;
  const bool padded = at_ - begin > 1 && text_[begin] == '0';
  if (at_ == begin || value > max || !ends || padded) {
    at_ = begin;
    return error(fmt::format("a whole number from 0 to {} was expected", max));
  }
  return value;
}

Result<double> JsonScanner::number() {
  peek();
  const std::string_view rest = text_.substr(at_);
  double value = 0;
  // from_chars knows "inf" and "nan", which JSON does not.
  const std::size_t digit = rest.starts_with('-') ? 1 : 0;
  const bool begins = digit < rest.size() && rest[digit] >= '0' && rest[digit] <= '9';
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (!begins || failed != std::errc()) return error("a number was expected");
  at_ += static_cast<std::size_t>(end - rest.data());
  return value;
}

Result<void> JsonScanner::skip_string() {
  ++at_;
  for (; (at_ = end_of_run(at_)) < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return {};
    }
    if (text_[at_] == '\\') ++at_;
  }
  at_ = text_.size();
  return error("a string does not end");
}

Result<std::string_view> JsonScanner::skip_value() {
  peek();
  const std::size_t begin = at_;
  int depth = 0;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      CONTINUO_TRY_VOID(skip_string());
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return error(fmt::format("JSON nests deeper than {} levels", kMaxJsonDepth));
      ++at_;
    } else if (c == '}' || c == ']') {
      if (depth == 0) break;
      --depth;
      ++at_;
    } else if (depth == 0 && (c == ',' || c == ':')) {
      break;
    } else {
      ++at_;
      if (depth > 0) continue;
      const char next = at_ < text_.size() ? text_[at_] : ',';
      if (std::string_view(",}] \n\r\t").find(next) == std::string_view::npos) continue;  // a literal goes on
    }
    if (depth == 0) break;
  }
  if (depth > 0) return error("a bracket does not end");
  if (at_ == begin) return error("a value was expected");
  return text_.substr(begin, at_ - begin);
}

}  // namespace continuo
