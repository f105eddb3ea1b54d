// Regular expressions: those of ECMAScript and Python that mean the same in both, over code points. \d, \w
// and \s are ASCII, as in JSON schema.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "grammar/readers.h"
#include "text/stream_decoder.h"
#include "text/utf8.h"

namespace continuo {

namespace {

const CharSet kDigits = {{'0', '9'}};
const CharSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CharSet kSpace = {{'\t', '\r'}, {' ', ' '}};
const CharSet kLineFeed = {{'\n', '\n'}};

class RegexParser {
 public:
  RegexParser(std::string_view text, Syntax& syntax, bool in_json, bool searched)
      : text_(text), syntax_(syntax), in_json_(in_json), searched_(searched) {}

  // What is searched for may stand anywhere, unless an anchor says where.
  Result<NodeId> parse() {
    if (valid_utf8(text_) != text_) return usage_error("is not valid UTF-8");
    CONTINUO_TRY(const Choices all, alternatives(0));
    if (at_ < text_.size()) return wrong("a ')' that closes nothing");
    std::vector<NodeId> whole;
    const NodeId any =
        searched_ ? syntax_.repeat(syntax_.chars(complement({}), in_json_), 0, kUnbounded) : syntax_.empty();
    for (const Choice& choice : all) {
      std::vector<NodeId> parts = {choice.node};
      if (!choice.begins && searched_) parts.insert(parts.begin(), any);
      if (!choice.ends && searched_) parts.push_back(any);
      whole.push_back(syntax_.seq(parts));
    }
    return syntax_.alt(whole);
  }

 private:
  static constexpr int kMostDepth = 200;

  bool more() const { return at_ < text_.size(); }
  char peek() const { return more() ? text_[at_] : '\0'; }
  bool eat(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  Error wrong(std::string_view what) const { return usage_error(fmt::format("has {} at byte {}", what, at_)); }
  Error unsupported(std::string_view what) const {
    return usage_error(fmt::format("has {} at byte {}, which is not supported", what, at_));
  }

  // One of several texts, and whether an anchor holds it to the beginning or the end.
  struct Choice {
    NodeId node;
    bool begins, ends;
  };
  using Choices = std::vector<Choice>;

  Result<Choices> alternatives(int depth) {
    if (depth > kMostDepth) return wrong("too many groups, one in the other,");
    Choices choices;
    do {
      CONTINUO_TRY(const Choices more, sequence(depth));
      choices.insert(choices.end(), more.begin(), more.end());
    } while (eat("|"));
    return choices;
  }

  Result<Choices> sequence(int depth) {
    std::vector<Choices> parts;
    bool begins = false, ends = false;
    while (more() && peek() != '|' && peek() != ')') {
      if (eat("^")) {
        if (!parts.empty()) return unsupported("an anchor inside");
        begins = true;
        continue;
      }
      if (eat("$")) {
        ends = true;
        continue;
      }
      if (ends) return unsupported("an anchor inside");
      Choices part;
      if (eat("(")) {
        CONTINUO_TRY(part, group(depth));
      } else {
        CONTINUO_TRY(const NodeId node, atom());
        part = {{node, false, false}};
      }
      const std::size_t before = at_;
      NodeId one = joined(part);
      CONTINUO_TRY_VOID(quantify(one));
      if (at_ > before) {
        if (anchored(part, &Choice::begins) || anchored(part, &Choice::ends))
          return unsupported("an anchor that repeats");
        part = {{one, false, false}};
      }
      parts.push_back(std::move(part));
      if (syntax_.full()) return wrong("too much");
    }
    return together(parts, begins, ends);
  }

  NodeId joined(const Choices& part) {
    std::vector<NodeId> nodes;
    for (const Choice& choice : part) nodes.push_back(choice.node);
    return syntax_.alt(nodes);
  }
  static bool anchored(const Choices& part, bool Choice::*anchor) {
    return std::any_of(part.begin(), part.end(), [&](const Choice& choice) { return choice.*anchor; });
  }

  // One part behind the other. Anchors inside groups hold where the group is the first part or the last one.
  Result<Choices> together(const std::vector<Choices>& parts, bool begins, bool ends) {
    if (parts.empty()) return Choices{{syntax_.empty(), begins, ends}};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool inside =
          (i > 0 && anchored(parts[i], &Choice::begins)) || (i + 1 < parts.size() && anchored(parts[i], &Choice::ends));
      if (inside) return unsupported("an anchor inside");
    }
    Choices whole;
    for (const bool first : {false, true}) {
      for (const bool last : {false, true}) {
        std::vector<NodeId> nodes;
        for (std::size_t i = 0; i < parts.size(); ++i) {
          Choices fitting = parts[i];
          std::erase_if(fitting, [&](const Choice& choice) {
            return (i == 0 && choice.begins != first) || (i + 1 == parts.size() && choice.ends != last);
          });
          if (fitting.empty()) break;
          nodes.push_back(joined(fitting));
        }
        if (nodes.size() == parts.size()) whole.push_back({syntax_.seq(nodes), begins || first, ends || last});
      }
    }
    return whole;
  }

  Result<NodeId> atom() {
    if (peek() == '[') {
      CONTINUO_TRY(const CharSet set, character_class());
      return syntax_.chars(set, in_json_);
    }
    if (eat(".")) return syntax_.chars(complement(kLineFeed), in_json_);
    if (peek() == '*' || peek() == '+' || peek() == '?') return wrong("a quantifier of nothing");
    if (peek() == '{' && counts()) return wrong("a quantifier of nothing");
    if (peek() == '\\') {
      CONTINUO_TRY(const CharSet set, escape(false));
      return syntax_.chars(set, in_json_);
    }
    const std::uint32_t c = next_char();
    return syntax_.chars({{c, c}}, in_json_);
  }

  Result<Choices> group(int depth) {
    if (eat("?")) {
      if (eat("=") || eat("!")) return unsupported("look-ahead (?= or (?!");
      if (eat("<=") || eat("<!")) return unsupported("look-behind (?<= or (?<!");
      if (eat(">")) return unsupported("an atomic group (?>");
      if (eat("P=")) return unsupported("a back reference (?P=");
      if (eat("P<") || eat("<")) {
        while (more() && peek() != '>') ++at_;
        if (!eat(">")) return wrong("a group's name without its end");
      } else if (!eat(":")) {
        return unsupported("flags or a group of another kind (?");
      }
    }
    CONTINUO_TRY(const Choices inner, alternatives(depth + 1));
    if (!eat(")")) return wrong("a '(' without its ')'");
    return inner;
  }

  // {n}, {n,}, {n,m} or {,m} from here on, not eaten.
  std::optional<std::pair<Count, std::size_t>> counts() const {
    const std::size_t end = text_.find('}', at_);
    if (peek() != '{' || end == std::string_view::npos) return std::nullopt;
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = inner.find(',');
    const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
      if (digits.empty() || digits.size() > 9) return std::nullopt;
      std::uint32_t value = 0;
      for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<std::uint32_t>(c - '0');
      }
      return value;
    };
    const auto least = comma == 0 ? std::optional<std::uint32_t>(0) : number(inner.substr(0, comma));
    if (!least || inner == ",") return std::nullopt;
    if (comma == std::string_view::npos) return std::pair(Count{*least, *least}, end + 1);
    if (comma + 1 == inner.size()) return std::pair(Count{*least, kUnbounded}, end + 1);
    const auto most = number(inner.substr(comma + 1));
    if (!most) return std::nullopt;
    return std::pair(Count{*least, *most}, end + 1);
  }

  Result<void> quantify(NodeId& part) {
    bool one = false;
    for (;;) {
      Count count{};
      if (eat("*")) {
        count = {0, kUnbounded};
      } else if (eat("+")) {
        count = {1, kUnbounded};
      } else if (eat("?")) {
        count = {0, 1};
      } else if (const auto found = counts()) {
        count = found->first;
        if (count.least > count.most) return wrong("a count whose first number is the larger one");
        at_ = found->second;
      } else {
        return {};
      }
      if (one) return wrong("two quantifiers of one thing");
      one = true;
      if (peek() == '+') return unsupported("a possessive quantifier");
      eat("?");  // lazy: the same texts match
      part = syntax_.repeat(part, count.least, count.most);
    }
  }

  std::uint32_t next_char() {
    const Utf8Char c = utf8_at(text_, at_);
    at_ += c.size;
    return static_cast<std::uint32_t>(c.code);
  }

  Result<CharSet> hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char c = peek();
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (!more() || digit == std::string_view::npos) return wrong("an escape without its hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return CharSet{{value, value}};
  }

  Result<CharSet> escape(bool in_class) {
    ++at_;
    if (!more()) return wrong("a '\\' with nothing behind it");
    const std::uint32_t c = next_char();
    constexpr std::string_view kControls = "nrtfv", kCodes = "\n\r\t\f\v";
    if (const auto at = c < 0x80 ? kControls.find(static_cast<char>(c)) : std::string_view::npos;
        at != std::string_view::npos) {
      const auto code = static_cast<std::uint32_t>(kCodes[at]);
      return CharSet{{code, code}};
    }
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return complement(kDigits);
      case 'w':
        return kWord;
      case 'W':
        return complement(kWord);
      case 's':
        return kSpace;
      case 'S':
        return complement(kSpace);
      case 'x':
        return hex(2);
      case 'u':
        if (peek() != '{') return surrogates();
        return braced();
      case '0':
        if (peek() >= '0' && peek() <= '9') return unsupported("an octal escape");
        return CharSet{{0, 0}};
      case 'b':
        if (in_class) return CharSet{{'\b', '\b'}};
        return unsupported("a word boundary \\b");
      case 'B':
        return unsupported("a word boundary \\B");
      case 'p':
      case 'P':
        return unsupported("a Unicode property \\p");
      case 'A':
      case 'Z':
      case 'z':
        return unsupported("an anchor \\A or \\Z");
      default:
        break;
    }
    if (c >= '1' && c <= '9') return unsupported("a back reference");
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) return unsupported(fmt::format("the escape \\{}", static_cast<char>(c)));
    return CharSet{{c, c}};
  }

  Result<CharSet> braced() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || end - at_ < 2 || end - at_ > 7) return wrong("an escape \\u{ without its end");
    ++at_;
    CONTINUO_TRY(CharSet set, hex(end - at_));
    ++at_;
    if (set.front().first > kLastChar) return wrong("a code point above 10FFFF");
    return set;
  }

  // \uD83D\uDE00 is one character.
  Result<CharSet> surrogates() {
    CONTINUO_TRY(CharSet set, hex(4));
    const std::uint32_t high = set.front().first;
    if (high < 0xd800 || high > 0xdfff) return set;
    if (high > 0xdbff || !eat("\\u")) return wrong("half a surrogate pair");
    CONTINUO_TRY(const CharSet second, hex(4));
    const std::uint32_t low = second.front().first;
    if (low < 0xdc00 || low > 0xdfff) return wrong("half a surrogate pair");
    const std::uint32_t whole = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return CharSet{{whole, whole}};
  }

  Result<CharSet> character_class() {
    ++at_;
    const bool negated = eat("^");
    CharSet set;
    bool first = true;
    while (more() && (peek() != ']' || first)) {
      first = false;
      if (text_.substr(at_).starts_with("[:") || eat("&&")) return unsupported("a class inside a class");
      CONTINUO_TRY(const CharSet low, class_atom());
      const bool range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      const bool single = low.size() == 1 && low.front().first == low.front().second;
      if (!range) {
        set.insert(set.end(), low.begin(), low.end());
        continue;
      }
      ++at_;
      CONTINUO_TRY(const CharSet high, class_atom());
      if (!single || high.size() != 1 || high.front().first != high.front().second ||
          high.front().first < low.front().first)
        return wrong("a range in [] that is none");
      set.push_back({low.front().first, high.front().first});
    }
    if (!eat("]")) return wrong("a '[' without its ']'");
    set = normalized(std::move(set));
    return negated ? complement(set) : set;
  }

  Result<CharSet> class_atom() {
    if (peek() == '\\') return escape(true);
    const std::uint32_t c = next_char();
    return CharSet{{c, c}};
  }

  std::string_view text_;
  Syntax& syntax_;
  bool in_json_, searched_;
  std::size_t at_ = 0;
};

}  // namespace

Result<RuleId> read_regex(std::string_view text, Syntax& syntax) {
  const RuleId root = syntax.new_rule("root");
  CONTINUO_TRY(const NodeId body, RegexParser(text, syntax, false, false).parse());
  syntax.set_rule(root, body);
  return root;
}

Result<NodeId> read_json_pattern(std::string_view text, Syntax& syntax) {
  return RegexParser(text, syntax, true, true).parse();
}

Result<RuleId> read_choices(const std::vector<std::string>& choices, Syntax& syntax) {
  std::vector<NodeId> nodes;
  for (const std::string& choice : choices) {
    if (valid_utf8(choice) != choice) return usage_error("is not valid UTF-8");
    nodes.push_back(syntax.literal(choice));
  }
  const RuleId root = syntax.new_rule("root");
  syntax.set_rule(root, syntax.alt(nodes));
  return root;
}

}  // namespace continuo
