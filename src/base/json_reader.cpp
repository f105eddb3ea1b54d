#include "base/json_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/utf8_size.h"

namespace continuo {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_code(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
  if (code < 0x10000) {
    return put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  }
  put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f));
  put(0x80 | (code & 0x3f));
}

class Reader {
 public:
  Reader(std::string_view text, JsonDialect dialect, JsonHandler& handler)
      : text_(text), dialect_(dialect), handler_(handler) {}

  JsonOutcome run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    const bool read = value(0) && nothing_behind();
    return {std::move(fault_), !read && !fault_};
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  // The next byte; 0 at the end, too.
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')) ++at_;
  }
  bool accept(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool fail(std::string what = {}) { return fail_at(at_, std::move(what)); }
  bool fail_at(std::size_t offset, std::string what, JsonFault::Kind kind = JsonFault::Kind::syntax) {
    if (!fault_) fault_ = JsonFault{kind, offset, std::move(what)};
    return false;
  }

  bool nothing_behind() {
    skip_blanks();
    if (at_end()) return true;
    return fail(peek() == '\0' ? "a zero byte stands behind the value" : "more stands behind the value");
  }

  // `depth`: of the brackets around it.
  bool value(int depth) {
    skip_blanks();
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string() && handler_.string(buffer_);
      case 'n':
        return word("null") && handler_.null();
      case 't':
        return word("true") && handler_.boolean(true);
      case 'f':
        return word("false") && handler_.boolean(false);
      default:
        return is_digit(peek()) || peek() == '-' ? number() : not_finite("");
    }
  }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return fail();
    at_ += expected.size();
    return true;
  }

  bool enter(int depth) {
    if (depth == kMaxJsonDepth) return fail_at(at_, {}, JsonFault::Kind::too_deep);
    ++at_;
    skip_blanks();
    return true;
  }

  bool object(int depth) {
    if (!enter(depth) || !handler_.start_object(0)) return false;
    if (accept('}')) return handler_.end_object();
    for (;;) {
      skip_blanks();
      if (peek() != '"') return fail();
      if (!string() || !handler_.key(buffer_)) return false;
      skip_blanks();
      if (!accept(':')) return fail();
      if (!value(depth + 1)) return false;
      skip_blanks();
      if (accept('}')) return handler_.end_object();
      if (!accept(',')) return fail();
    }
  }

  bool array(int depth) {
    if (!enter(depth) || !handler_.start_array(0)) return false;
    if (accept(']')) return handler_.end_array();
    for (;;) {
      if (!value(depth + 1)) return false;
      skip_blanks();
      if (accept(']')) return handler_.end_array();
      if (!accept(',')) return fail();
    }
  }

  // NaN, Infinity, -Infinity; `sign` is read already.
  bool not_finite(std::string_view sign) {
    const std::size_t begin = at_ - sign.size();
    for (const auto& [name, value] : {std::pair("NaN", std::numeric_limits<double>::quiet_NaN()),
                                      std::pair("Infinity", std::numeric_limits<double>::infinity())}) {
      if (!text_.substr(at_).starts_with(name) || (sign == "-" && std::isnan(value))) continue;
      if (dialect_ == JsonDialect::strict) {
        return fail_at(begin, fmt::format("{}{} is no number in JSON", sign, name));
      }
      at_ += std::string_view(name).size();
      return handler_.number_float(sign == "-" ? -value : value, std::string(text_.substr(begin, at_ - begin)));
    }
    return fail();
  }

  bool number() {
    const std::size_t begin = at_;
    const bool negative = accept('-');
    if (negative && !is_digit(peek())) return not_finite("-");
    if (!accept('0')) skip_digits();
    if (is_digit(peek())) return fail_at(begin, "a number begins with 0");
    bool whole = true;
    if (accept('.')) {
      whole = false;
      if (!skip_digits()) return fail();
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!skip_digits()) return fail();
    }
    const std::string_view digits = text_.substr(begin, at_ - begin);
    return whole ? whole_number(digits, negative) : fraction(digits);
  }

  bool skip_digits() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  }

  bool whole_number(std::string_view digits, bool negative) {
    std::uint64_t large = 0;
    std::int64_t small = 0;
    const char* const end = digits.data() + digits.size();
    if (digits == "-0") return fraction(digits);  // it is not 0 in every reader's eyes
    if (negative && std::from_chars(digits.data(), end, small).ec == std::errc()) {
      return handler_.number_integer(small);
    }
    if (!negative && std::from_chars(digits.data(), end, large).ec == std::errc()) {
      return handler_.number_unsigned(large);
    }
    return fraction(digits);
  }

  bool fraction(std::string_view digits) {
    double value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec == std::errc::result_out_of_range) value = beyond_range(digits);
    if (std::isinf(value) && dialect_ == JsonDialect::strict) {
      return fail_at(static_cast<std::size_t>(digits.data() - text_.data()), std::string(digits),
                     JsonFault::Kind::out_of_range);
    }
    return handler_.number_float(value, std::string(digits));
  }

  // Infinite, or 0 where the exponent is below that of every double.
  static double beyond_range(std::string_view digits) {
    const std::size_t exponent = digits.find_first_of("eE");
    const bool tiny = (exponent != digits.npos && digits.substr(exponent + 1).starts_with('-')) ||
                      (exponent == digits.npos && digits.substr(digits.starts_with('-') ? 1 : 0).starts_with("0."));
    const double size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return digits.starts_with('-') ? -size : size;
  }

  // Into buffer_, escapes resolved.
  bool string() {
    ++at_;
    buffer_.clear();
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (c == '\\') {
        if (!escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string must be escaped");
      const std::size_t size = utf8_size(text_.substr(at_));
      if (size == 0) return fail("a string is not UTF-8");
      buffer_.append(text_, at_, size);
      at_ += size;
    }
    return fail("a string does not end");
  }

  bool escape() {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    const std::size_t begin = at_++;
    const std::size_t name = at_end() ? kNames.npos : kNames.find(text_[at_]);
    if (name != kNames.npos) {
      buffer_ += kMeant[name];
      return ++at_, true;
    }
    std::uint32_t code = 0;
    if (!accept('u') || !hexadecimal(code)) return fail_at(begin, "an unknown escape in a string");
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      std::uint32_t low = 0;
      const bool good = hexadecimal(low) && low >= 0xdc00 && low <= 0xdfff;
      if (!good) return fail_at(begin, "half a surrogate pair in a string");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) return fail_at(begin, "half a surrogate pair in a string");
    append_code(buffer_, code);
    return true;
  }

  bool hexadecimal(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    const char* const begin = text_.data() + at_;
    if (*begin == '-' || std::from_chars(begin, begin + 4, code, 16).ptr != begin + 4) return false;
    at_ += 4;
    return true;
  }

  std::string_view text_;
  JsonDialect dialect_;
  JsonHandler& handler_;
  std::size_t at_ = 0;
  std::string buffer_;
  std::optional<JsonFault> fault_;
};

}  // namespace

JsonOutcome read_json(std::string_view text, JsonDialect dialect, JsonHandler& handler) {
  return Reader(text, dialect, handler).run();
}

}  // namespace continuo
