#include "chat/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/numbers.h"
#include "chat/jinja/marked_text.h"
#include "chat/jinja/value.h"
#include "text/utf8.h"

namespace continuo::jinja {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Line ends as '\n', and without the one at the end.
std::string with_line_feeds(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (source.substr(i, 2) == "\r\n") ++i;
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) next_part();
    put(Token::Kind::end, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string what) const { throw Fault{std::move(what), line_}; }

  bool at(std::string_view text) const { return std::string_view(source_).substr(at_, text.size()) == text; }

  void put(Token::Kind kind, std::string text) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .line = line_});
  }

  void advance(std::size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }

  void skip_space() {
    advance(strip(TextView(std::string_view(source_).substr(at_)), {}, true, false).bytes.data() - source_.data() -
            at_);
  }

  // Text up to a tag, and the tag.
  void next_part() {
    std::size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 == source_.size()) {
        tag = source_.size();
        break;
      }
      const char kind = source_[tag + 1];
      if (kind == '{' || kind == '%' || kind == '#') break;
    }
    const std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    if (tag == source_.size()) {
      if (!text.empty()) put(Token::Kind::text, std::string(text));
      advance(text.size());
      return;
    }
    const char kind = source_[tag + 1];
    put_text(text, tag + 2 < source_.size() ? source_[tag + 2] : '\0', kind != '{');
    advance(text.size() + 2);
    line_starts_ = false;
    const bool sign = at("-") || at("+");
    if (kind == '#') return comment();
    if (sign) advance(1);
    if (kind == '%' && is_raw()) return;
    put(kind == '{' ? Token::Kind::output_begin : Token::Kind::tag_begin, {});
    inside(kind == '{' ? "}}" : "%}");
  }

  // Text that stands before a tag, without the white space that the tag takes.
  void put_text(std::string_view text, char sign, bool is_block) {
    if (sign == '-') {
      text = strip(TextView(text), {}, false, true).bytes;
    } else if (sign != '+' && is_block) {
      const std::size_t line = text.rfind('\n') + 1;  // 0 where there is none
      const bool blank = strip(TextView(text.substr(line)), {}, true, false).empty();
      if ((line > 0 || line_starts_) && blank) text = text.substr(0, line);
    }
    if (!text.empty()) put(Token::Kind::text, std::string(text));
  }

  // Goes behind the end of a tag, if it is here. "-%}" takes the white space behind it, "%}" a line's end.
  bool take_end(std::string_view end) {
    const bool output = end == "}}";
    std::size_t sign = 0;
    if (at("-") || (!output && at("+"))) sign = 1;
    if (std::string_view(source_).substr(at_ + sign, end.size()) != end) return false;
    const bool strips = source_[at_] == '-';
    const bool keeps = source_[at_] == '+';
    const std::size_t begin = at_;
    advance(sign + end.size());
    if (strips) {
      skip_space();
    } else if (!keeps && !output && at("\n")) {
      advance(1);
    }
    line_starts_ = at_ > begin && source_[at_ - 1] == '\n';
    return true;
  }

  void comment() {
    const int began = line_;
    while (!take_end("#}")) {
      if (at_ >= source_.size()) throw Fault{"a comment is never closed", began};
      advance(1);
    }
  }

  // {% raw %}: all of it up to {% endraw %} is text.
  bool is_raw() {
    const std::size_t begin = at_;
    const int line = line_;
    skip_space();
    if (!at("raw")) {
      at_ = begin;
      line_ = line;
      return false;
    }
    advance(3);
    skip_space();
    if (!at("%}") && !at("-%}")) {
      at_ = begin;
      line_ = line;
      return false;
    }
    const bool strips = at("-");
    advance(strips ? 3 : 2);
    if (strips) skip_space();
    raw_text(line);
    return true;
  }

  void raw_text(int began) {
    const std::size_t begin = at_;
    for (;;) {
      const std::size_t tag = source_.find("{%", at_);
      if (tag == std::string::npos) throw Fault{"a raw block is never closed", began};
      const std::string_view text = std::string_view(source_).substr(begin, tag - begin);
      advance(tag + 2 - at_);
      const char sign = at("-") || at("+") ? source_[at_] : '\0';
      if (sign != '\0') advance(1);
      skip_space();
      if (!at("endraw")) continue;
      advance(6);
      skip_space();
      if (!take_end("%}")) continue;
      return put_text(text, sign, true);
    }
  }

  // The tokens of a tag, up to its end.
  void inside(std::string_view end) {
    const int began = line_;
    std::string open;  // brackets that have to be closed first
    for (;;) {
      if (open.empty() && at_ < source_.size()) {
        const std::size_t token = tokens_.size();
        put(end == "}}" ? Token::Kind::output_end : Token::Kind::tag_end, {});
        if (take_end(end)) return;
        tokens_.resize(token);
      }
      if (at_ >= source_.size()) throw Fault{"a tag is never closed", began};
      const char c = source_[at_];
      if (jinja::is_space(utf8_at(source_, at_).code)) {
        skip_space();
      } else if (is_digit(c)) {
        number();
      } else if (is_name_start(c)) {
        name();
      } else if (c == '\'' || c == '"') {
        string(c);
      } else {
        symbol(open);
      }
    }
  }

  void name() {
    std::size_t end = at_;
    while (end < source_.size() && (is_name_start(source_[end]) || is_digit(source_[end]))) ++end;
    put(Token::Kind::name, source_.substr(at_, end - at_));
    advance(end - at_);
  }

  // 1, 1_000, 0x1f, 1.5, 1e-3. Behind a dot it is no fraction: a.0.1
  void number() {
    const std::string_view rest = std::string_view(source_).substr(at_);
    const auto digits = [&](std::size_t from) {
      std::size_t end = from;
      while (end < rest.size() && (is_digit(rest[end]) || (rest[end] == '_' && end > from))) ++end;
      while (end > from && rest[end - 1] == '_') --end;
      return end;
    };
    if (rest.starts_with("0x") || rest.starts_with("0o") || rest.starts_with("0b")) fail("a number in another base");
    std::size_t end = digits(0);
    bool is_real = false;
    const bool behind_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!behind_dot && end + 1 < rest.size() && rest[end] == '.' && is_digit(rest[end + 1])) {
      end = digits(end + 1);
      is_real = true;
    }
    if (!behind_dot && end < rest.size() && (rest[end] == 'e' || rest[end] == 'E')) {
      const std::size_t sign = end + 1 < rest.size() && (rest[end + 1] == '+' || rest[end + 1] == '-') ? 1 : 0;
      if (end + 1 + sign < rest.size() && is_digit(rest[end + 1 + sign])) {
        end = digits(end + 1 + sign);
        is_real = true;
      }
    }
    std::string text(rest.substr(0, end));
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    put(is_real ? Token::Kind::real : Token::Kind::integer, text);
    const auto read = [&](auto& number) {
      const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (failed != std::errc() || stop != text.data() + text.size())
        fail(fmt::format("the number {} is too large", text));
    };
    if (is_real) {
      read(tokens_.back().real);
    } else {
      read(tokens_.back().integer);
    }
    advance(end);
  }

  void string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail("a string is never closed");
    put(Token::Kind::string, unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    advance(end + 1 - at_);
  }

  // As in Python's strings.
  std::string unescaped(std::string_view text) const {
    constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      if (const std::size_t letter = kLetters.find(c); letter != std::string_view::npos) {
        out += kMeanings[letter];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t size = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_utf8(out, hexadecimal(text.substr(i + 1, size), size));
        i += size;
      } else if (c == 'N' || (c >= '0' && c <= '7')) {
        fail(fmt::format("the escape \\{} in a string is not supported", c));
      } else if (c != '\n') {  // an escaped line end is none
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  char32_t hexadecimal(std::string_view digits, std::size_t size) const {
    std::uint32_t code = 0;
    const auto [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    const bool good = digits.size() == size && failed == std::errc() && stop == digits.data() + size;
    if (!good || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      fail("a string has an escape that is no character");
    return code;
  }

  void symbol(std::string& open) {
    constexpr std::string_view kPairs[] = {"==", "!=", "<=", ">=", "//", "**"};
    constexpr std::string_view kSingles = "+-*/%~()[]{}<>=.:|,;";
    for (const std::string_view pair : kPairs) {
      if (at(pair)) {
        put(Token::Kind::symbol, std::string(pair));
        return advance(2);
      }
    }
    const char c = source_[at_];
    if (kSingles.find(c) == std::string_view::npos) fail(fmt::format("the character '{}' is unexpected", c));
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) fail(fmt::format("'{}' closes nothing", c));
      open.pop_back();
    }
    put(Token::Kind::symbol, std::string(1, c));
    advance(1);
  }

  const std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // the text that comes begins a line
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source) { return Lexer(with_line_feeds(source)).run(); }

}  // namespace continuo::jinja
