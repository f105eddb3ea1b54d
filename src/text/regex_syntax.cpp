#include "text/regex_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

#include "text/case_folding.h"
#include "text/char_range.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Unicode's White_Space, for use inside of a class. PCRE2's own \s has U+180E as well, or, without UCP, ASCII
// only.
constexpr std::string_view kWhiteSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Outside of a bracket Oniguruma takes the characters below U+0100 from a table of ISO 8859-1, in which these
// are of words.
constexpr std::string_view kMoreWord = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

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
        atom_ = groups_.back().begin;
        ignores_case_ = groups_.back().ignored_case;
        groups_.pop_back();
        copy(1);
      } else if (c == '*' || c == '+' || c == '?') {
        CONTINUO_TRY_VOID(quantifier());
      } else if (c == '{') {
        CONTINUO_TRY_VOID(interval());
      } else if (c == '|' || c == '^' || c == '$') {
        atom_.reset();
        copy(1);
      } else if (ignores_case_) {
        literals_in_any_case();
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
    while (std::isdigit(static_cast<unsigned char>(peek(size)))) ++size;
    const bool has_minimum = size > 1;
    const bool has_comma = peek(size) == ',';
    if (has_comma) ++size;
    while (std::isdigit(static_cast<unsigned char>(peek(size)))) ++size;
    if (!has_minimum || peek(size) != '}' || !atom_) return refuse("a '{' that does not begin a repetition {n,m}");
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
    groups_.push_back({out_.size(), ignores_case_});
    atom_.reset();
    if (starts("(*")) return refuse("'(*'");
    if (!starts("(?")) {
      out_ += "(?:";  // nothing refers to captures
      ++at_;
      return {};
    }
    constexpr std::array<std::string_view, 8> kKnown = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?-i:"};
    for (const std::string_view known : kKnown) {
      if (!starts(known)) continue;
      if (known.ends_with("i:")) ignores_case_ = known == "(?i:";
      copy(known.size());
      return {};
    }
    return refuse(fmt::format("the group '{}'", in_.substr(at_, 3)));
  }

  // A class within a class is a union; only '[...]' without '^' is known.
  Result<void> char_class() {
    copy(1);
    const bool negated = peek() == '^';
    if (negated) copy(1);
    if (peek() == ']') return refuse("an empty class");
    int depth = 0;  // of classes within
    ClassMembers members;
    while (!at_end() && (peek() != ']' || depth > 0)) {
      const std::size_t literal = at_;
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
        const Utf8Char c = utf8_at(in_, at_);
        copy(c.size);
        members.add(c.code, peek());
        continue;
      }
      if (at_ != literal) members.break_range();
    }
    if (at_end()) return refuse("a class without its ']'");
    copy(1);
    if (ignores_case_ && !negated) put_foldings(members);
    return {};
  }

  // The characters and ranges that a class spells out.
  struct ClassMembers {
    std::vector<CharRange> ranges;
    bool can_begin = false, is_open = false;  // whether the last one may begin a range, has begun one

    void add(char32_t code, char next) {
      if (is_open) {
        ranges.back().last = code;
        break_range();
      } else if (code == '-' && can_begin && next != ']') {
        is_open = true;
      } else {
        ranges.push_back({code, code});
        can_begin = true;
      }
    }
    void break_range() { can_begin = is_open = false; }
    bool has(char32_t code) const {
      return std::any_of(ranges.begin(), ranges.end(),
                         [&](const CharRange& r) { return r.first <= code && code <= r.last; });
    }
  };

  // A class that ignores case and has a character that folds to a sequence matches the sequence as well.
  void put_foldings(const ClassMembers& members) {
    std::string sequences;
    for (const CaseFolding& folding : case_foldings()) {
      const auto in_class = [&](char32_t code) { return members.has(code); };
      const bool any = std::any_of(folding.characters.begin(), folding.characters.end(), in_class);
      if (any) sequences += "|" + folding.sequence;
    }
    if (sequences.empty()) return;
    out_.insert(*atom_, "(?:");
    out_ += sequences + ")";
  }

  // A run of characters that match in either case; "ss" and its kin match what folds to the same sequence.
  void literals_in_any_case() {
    std::size_t end = at_, last = at_;  // of the run, and where its last character begins
    while (end < in_.size() && std::string_view("\\[](){}*+?|^$.").find(in_[end]) == std::string_view::npos) {
      last = end;
      end += utf8_at(in_, end).size;
    }
    if (end == at_) end = at_ + 1;  // a character that is special elsewhere
    const bool repeated = end < in_.size() && std::string_view("*+?{").find(in_[end]) != std::string_view::npos;
    if (repeated && last > at_) end = last;  // the repetition is of the last one
    while (at_ < end) {
      atom_ = out_.size();
      std::size_t size = 0;
      const CaseFolding* folding = find_folding(in_.substr(at_, end - at_), size);
      if (folding) {
        out_ += "(?:" + folding->alternatives() + ")";
        at_ += size;
      } else {
        copy(size);
      }
    }
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
        return skip_and_put(in_class ? std::string(kWord) : fmt::format("[{}{}]", kWord, kMoreWord));
      case 'W':
        if (in_class) break;
        return skip_and_put(fmt::format("[^{}{}]", kWord, kMoreWord));
      case 'b':
        if (in_class) break;
        atom_.reset();
        at_ += 2;
        out_ += fmt::format("(?:(?<=[{0}{1}])(?![{0}{1}])|(?<![{0}{1}])(?=[{0}{1}]))", kWord, kMoreWord);
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
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return refuse(fmt::format("\\p{{{}}}", name));
    }
    if (ignores_case_ && (name == "Lu" || name == "Ll" || name == "Lt")) {
      return refuse(fmt::format("\\p{{{}}} where case is ignored", name));
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
    while (digits < most && std::isxdigit(static_cast<unsigned char>(peek(first + digits)))) ++digits;
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
  struct Group {
    std::size_t begin;  // in out_
    bool ignored_case;  // before it
  };
  std::vector<Group> groups_;  // the open ones
  bool ignores_case_ = false;
};

}  // namespace

Result<std::string> oniguruma_to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace continuo
