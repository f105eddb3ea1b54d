#include "text/regex_syntax.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <optional>
#include <vector>

#include "text/utf8.h"

namespace continuo {

namespace {

// Unicode's White_Space, for use inside of a class. PCRE2's own \s has U+180E as well, or, without UCP, ASCII
// only.
constexpr std::string_view kWhiteSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  Result<std::string> run() {
    while (!at_end()) {
      const char c = peek();
      if (c == '\\') {
        atom_ = out_.size();
        CONTINUO_TRY_VOID(escape(false));
      } else if (c == '[') {
        atom_ = out_.size();
        CONTINUO_TRY_VOID(char_class());
      } else if (c == '(') {
        CONTINUO_TRY_VOID(open_group());
      } else if (c == ')') {
        if (groups_.empty()) return refuse("a ')' without its '('");
        atom_ = groups_.back();
        groups_.pop_back();
        copy(1);
      } else if (c == '*' || c == '+' || c == '?') {
        CONTINUO_TRY_VOID(quantifier());
      } else if (c == '{') {
        CONTINUO_TRY_VOID(interval());
      } else if (c == '|' || c == '^' || c == '$') {
        atom_.reset();
        copy(1);
      } else {
        atom_ = out_.size();
        copy(utf8_at(in_, at_).size);
      }
    }
    if (!groups_.empty()) return refuse("a '(' without its ')'");
    return std::move(out_);
  }

 private:
  bool at_end() const { return at_ >= in_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
  bool starts(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  void copy(std::size_t count) {
    out_ += in_.substr(at_, count);
    at_ += count;
  }
  static Error refuse(std::string what) { return {.what = std::move(what) + " is not supported"}; }

  Result<void> quantifier() {
    copy(1);
    if (peek() == '+' || peek() == '?') copy(1);  // possessive, lazy
    if (!at_end() && std::string_view("*+?{").find(peek()) != std::string_view::npos) {
      return refuse("a repetition of a repetition");
    }
    atom_.reset();
    return {};
  }

  // {n}, {n,} or {n,m}. Ruby reads X{n,m}+ as (?:X{n,m})+, PCRE2 as possessive.
  Result<void> interval() {
    std::size_t size = 1;
    while (std::isdigit(static_cast<unsigned char>(peek(size))))
      ++size;
    const bool has_minimum = size > 1;
    const bool has_comma = peek(size) == ',';
    if (has_comma) ++size;
    while (std::isdigit(static_cast<unsigned char>(peek(size))))
      ++size;
    if (!has_minimum || peek(size) != '}' || !atom_)
      return refuse("a '{' that does not begin a repetition {n,m}");
    copy(size + 1);
    if (peek() == '+') {
      out_.insert(*atom_, "(?:");
      out_ += ")+";
      ++at_;
    } else if (peek() == '?' && has_comma) {
      copy(1);
    }
    if (!at_end() && std::string_view("*+?{").find(peek()) != std::string_view::npos) {
      return refuse("a repetition of a repetition");
    }
    atom_.reset();
    return {};
  }

  Result<void> open_group() {
    groups_.push_back(out_.size());
    atom_.reset();
    if (starts("(*")) return refuse("'(*'");
    if (!starts("(?")) {
      out_ += "(?:";  // nothing refers to captures
      ++at_;
      return {};
    }
    constexpr std::array<std::string_view, 8> kKnown = {
        "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?-i:"};
    for (const std::string_view known : kKnown) {
      if (!starts(known)) continue;
      copy(known.size());
      return {};
    }
    return refuse(fmt::format("the group '{}'", in_.substr(at_, 3)));
  }

  // A class within a class is a union; only '[...]' without '^' is known.
  Result<void> char_class() {
    copy(1);
    if (peek() == '^') copy(1);
    if (peek() == ']') return refuse("an empty class");
    int depth = 0;  // of classes within
    while (!at_end() && (peek() != ']' || depth > 0)) {
      if (peek() == ']') {
        --depth;
        ++at_;
      } else if (peek() == '[') {
        const char next = peek(1);
        if (next == '^' || next == ':' || next == ']') return refuse("a class like this within a class");
        ++depth;
        ++at_;
      } else if (starts("&&")) {
        return refuse("'&&' in a class");
      } else if (peek() == '\\') {
        CONTINUO_TRY_VOID(escape(true));
      } else {
        copy(utf8_at(in_, at_).size);
      }
    }
    if (at_end()) return refuse("a class without its ']'");
    copy(1);
    return {};
  }

  // What stands for many characters cannot begin a range: a '-' after it is itself.
  void put_set(std::string_view text, bool in_class) {
    out_ += text;
    if (in_class && peek() == '-' && peek(1) != ']') {
      out_ += "\\-";
      ++at_;
    }
  }

  Result<void> escape(bool in_class) {
    const char c = peek(1);
    const auto skip_and_put = [&](std::string_view text) {
      at_ += 2;
      put_set(text, in_class);
      return Result<void>();
    };
    switch (c) {
      case 's':
        return skip_and_put(in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace));
      case 'S':
        return skip_and_put(in_class ? R"(\P{White_Space})" : fmt::format("[^{}]", kWhiteSpace));
      case 'd':
        return skip_and_put(R"(\p{Nd})");
      case 'D':
        return skip_and_put(R"(\P{Nd})");
      case 'w':
        return skip_and_put(in_class ? std::string(kWord) : fmt::format("[{}]", kWord));
      case 'W':
        if (in_class) break;
        return skip_and_put(fmt::format("[^{}]", kWord));
      case 'b':
        if (in_class) break;
        atom_.reset();
        at_ += 2;
        out_ += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWord);
        return {};
      case 'p':
      case 'P':
        return property(in_class);
      case 'x':
      case 'u':
        return code_point();
      case 'v':
        at_ += 2;
        out_ += R"(\x{b})";
        return {};
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'a':
      case 'e':
        copy(2);
        return {};
      case 'A':
      case 'z':
        if (in_class) break;
        atom_.reset();
        copy(2);
        return {};
      default:
        break;
    }
    if (c == '\0') return refuse("a '\\' at the end");
    if (static_cast<unsigned char>(c) >= 0x80) {
      ++at_;
      copy(utf8_at(in_, at_).size);
      return {};
    }
    if (std::isalnum(static_cast<unsigned char>(c))) return refuse(fmt::format("'\\{}'", c));
    copy(2);
    return {};
  }

  // \p{L}, \p{^Lu}, \p{Han}. A bare script name means the script itself here, its extensions in PCRE2.
  Result<void> property(bool in_class) {
    bool negated = peek(1) == 'P';
    const std::size_t close = in_.find('}', at_);
    if (peek(2) != '{' || close == std::string_view::npos) return refuse("\\p without {...}");
    std::string_view name = in_.substr(at_ + 3, close - at_ - 3);
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    for (const char c : name) {
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_')
        return refuse(fmt::format("\\p{{{}}}", name));
    }
    const bool category = name.size() <= 2 || name == "Any" || name == "Alphabetic" || name == "White_Space";
    at_ = close + 1;
    put_set(fmt::format("\\{}{{{}{}}}", negated ? 'P' : 'p', category ? "" : "sc:", name), in_class);
    return {};
  }

  // \xHH (below 0x80: higher ones are raw bytes), \x{H...}, \uHHHH.
  Result<void> code_point() {
    const bool braces = peek(1) == 'x' && peek(2) == '{';
    const std::size_t first = braces ? 3 : 2;
    const std::size_t most = braces ? 6 : peek(1) == 'x' ? 2 : 4;
    std::size_t digits = 0;
    while (digits < most && std::isxdigit(static_cast<unsigned char>(peek(first + digits))))
      ++digits;
    const std::string hex(in_.substr(at_ + first, digits));
    const bool whole = braces ? digits > 0 && peek(first + digits) == '}' : digits == most;
    const unsigned long code = whole ? std::stoul(hex, nullptr, 16) : 0;
    if (!whole || (most == 2 && code >= 0x80)) return refuse(fmt::format("'\\{}{}'", peek(1), hex));
    at_ += first + digits + (braces ? 1 : 0);
    out_ += fmt::format("\\x{{{:x}}}", code);
    return {};
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::optional<std::size_t> atom_;  // where what a repetition would repeat begins in out_
  std::vector<std::size_t> groups_;  // where the open groups begin in out_
};

}  // namespace

Result<std::string> oniguruma_to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace continuo
