#include "text/json_scanner.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Bytes that end the plain run of a string: the quote, the backslash, and controls, which are not allowed.
constexpr std::array<bool, 256> kEndsRun = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i)
    table[i] = true;
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

char JsonScanner::peek() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
    ++at_;
  }
  return 0;
}

bool JsonScanner::accept(char c) {
  if (peek() != c || at_ >= text_.size()) return false;
  ++at_;
  return true;
}

Result<void> JsonScanner::expect(char c, const char* what) {
  if (accept(c)) return {};
  return error(fmt::format("'{}' was expected {}", c, what));
}

Result<std::string_view> JsonScanner::string() {
  CONTINUO_TRY_VOID(expect('"', "to begin a string"));
  const std::size_t begin = at_;
  while (at_ < text_.size() && !kEndsRun[static_cast<unsigned char>(text_[at_])])
    ++at_;
  if (at_ < text_.size() && text_[at_] == '"') return text_.substr(begin, at_++ - begin);
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
  for (; is_digit() && value <= max; ++at_)
    value = value * 10 + (text_[at_] - '0');
  const bool ends = at_ >= text_.size() || std::string_view(".eE").find(text_[at_]) == std::string_view::npos;
  const bool padded = at_ - begin > 1 && text_[begin] == '0';
  if (at_ == begin || value > max || !ends || padded) {
    at_ = begin;
    return error(fmt::format("a whole number from 0 to {} was expected", max));
  }
  return value;
}

Result<void> JsonScanner::skip_string() {
  ++at_;
  for (; at_ < text_.size(); ++at_) {
    if (!kEndsRun[static_cast<unsigned char>(text_[at_])]) continue;
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
      if (++depth > kMaxJsonDepth)
        return error(fmt::format("JSON nests deeper than {} levels", kMaxJsonDepth));
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
