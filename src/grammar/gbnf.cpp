// GBNF, the grammars of llama.cpp: rules of literals, classes, groups and repetitions.
#include <fmt/format.h>

#include <map>
#include <string>

#include "grammar/readers.h"
#include "text/stream_decoder.h"
#include "text/utf8.h"

namespace continuo {

namespace {

class GbnfParser {
 public:
  GbnfParser(std::string_view text, Syntax& syntax) : text_(text), syntax_(syntax) {}

  Result<RuleId> parse() {
    if (valid_utf8(text_) != text_) return usage_error("is not valid UTF-8");
    space(true);
    while (more()) CONTINUO_TRY_VOID(rule());
    for (const auto& [name, rule] : rules_) {
      if (!rule.defined) return usage_error(fmt::format("names the rule '{}', which is not there", name));
    }
    const auto root = rules_.find("root");
    if (root == rules_.end()) return usage_error("has no rule 'root'", "it is what the whole text is");
    return root->second.id;
  }

 private:
  static constexpr int kMostDepth = 200;
  struct Rule {
    RuleId id;
    bool defined = false;
  };

  bool more() const { return at_ < text_.size(); }
  char peek() const { return more() ? text_[at_] : '\0'; }
  bool eat(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  Error wrong(std::string_view what) const {
    std::size_t line = 1;
    for (const char c : text_.substr(0, at_)) line += c == '\n';
    return usage_error(fmt::format("line {}: {}", line, what));
  }

  // Blanks and comments; line ends where they do not end a rule.
  void space(bool lines) {
    while (more()) {
      if (peek() == '#') {
        while (more() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (peek() == ' ' || peek() == '\t' || (lines && (peek() == '\n' || peek() == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string name() {
    const std::size_t start = at_;
    while (more() && (peek() == '-' || peek() == '_' || (peek() >= '0' && peek() <= '9') ||
                      (peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z')))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Rule& named(const std::string& name) {
    const auto [rule, is_new] = rules_.try_emplace(name, Rule{0});
    if (is_new) rule->second.id = syntax_.new_rule(name);
    return rule->second;
  }

  Result<void> rule() {
    const std::string defined = name();
    if (defined.empty()) return wrong("expected the name of a rule");
    space(false);
    if (!eat("::=")) return wrong(fmt::format("expected ::= behind '{}'", defined));
    space(true);
    if (named(defined).defined) return wrong(fmt::format("the rule '{}' is there twice", defined));
    named(defined).defined = true;
    const RuleId id = named(defined).id;
    CONTINUO_TRY(const NodeId body, alternatives(0));
    syntax_.set_rule(id, body);
    if (more() && peek() != '\n' && peek() != '\r') return wrong("expected the end of the line");
    space(true);
    return {};
  }

  Result<NodeId> alternatives(int depth) {
    if (depth > kMostDepth) return wrong("too many groups, one in the other");
    std::vector<NodeId> choices;
    for (;;) {
      CONTINUO_TRY(const NodeId choice, sequence(depth));
      choices.push_back(choice);
      if (!eat("|")) return syntax_.alt(choices);
      space(true);
    }
  }

  Result<NodeId> sequence(int depth) {
    std::vector<NodeId> parts;
    while (more()) {
      NodeId part;
      const char c = peek();
      if (c == '"') {
        CONTINUO_TRY(part, literal());
      } else if (c == '[') {
        CONTINUO_TRY(part, character_class());
      } else if (c == '.') {
        ++at_;
        part = syntax_.chars(complement({}), false);
      } else if (c == '(') {
        ++at_;
        space(true);
        CONTINUO_TRY(part, alternatives(depth + 1));
        if (!eat(")")) return wrong("a '(' without its ')'");
      } else if (c == '<' || c == '!') {
        return wrong("tokens, <...>, are not supported");
      } else {
        const std::string called = name();
        if (called.empty()) break;
        part = syntax_.rule(named(called).id);
      }
      space(depth > 0);
      CONTINUO_TRY_VOID(quantify(part, depth));
      parts.push_back(part);
      if (syntax_.full()) return wrong("the grammar is too large");
    }
    return syntax_.seq(parts);
  }

  Result<void> quantify(NodeId& part, int depth) {
    for (;;) {
      if (eat("*")) {
        part = syntax_.repeat(part, 0, kUnbounded);
      } else if (eat("+")) {
        part = syntax_.repeat(part, 1, kUnbounded);
      } else if (eat("?")) {
        part = syntax_.optional(part);
      } else if (eat("{")) {
        CONTINUO_TRY(const Count count, counts());
        part = syntax_.repeat(part, count.least, count.most);
      } else {
        return {};
      }
      space(depth > 0);
    }
  }

  Result<std::uint32_t> number() {
    space(false);
    std::uint32_t value = 0;
    const std::size_t start = at_;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      if (at_ - start >= 9) return wrong("a count that is too large");
      value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
    }
    if (at_ == start) return wrong("expected a number in {}");
    space(false);
    return value;
  }

  Result<Count> counts() {
    Count count{};
    CONTINUO_TRY(count.least, number());
    count.most = count.least;
    if (eat(",")) {
      space(false);
      count.most = kUnbounded;
      if (peek() != '}') {
        CONTINUO_TRY(count.most, number());
      }
    }
    if (!eat("}")) return wrong("a '{' without its '}'");
    if (count.least > count.most) return wrong("a count whose first number is the larger one");
    return count;
  }

  Result<std::uint32_t> hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(peek());
      if (!more() || digit == std::string_view::npos) return wrong("an escape without its hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    if (value > kLastChar) return wrong("a code point above 10FFFF");
    return value;
  }

  Result<std::uint32_t> character() {
    if (!more()) return wrong("a quote or bracket without its end");
    if (eat("\\")) {
      const char c = peek();
      ++at_;
      switch (c) {
        case 'x':
          return hex(2);
        case 'u':
          return hex(4);
        case 'U':
          return hex(8);
        case 't':
          return std::uint32_t{'\t'};
        case 'r':
          return std::uint32_t{'\r'};
        case 'n':
          return std::uint32_t{'\n'};
        case '\\':
        case '"':
        case '[':
        case ']':
          return static_cast<std::uint32_t>(c);
        default:
          return wrong("an escape that is none of \\x \\u \\U \\t \\r \\n \\\\ \\\" \\[ \\]");
      }
    }
    const Utf8Char c = utf8_at(text_, at_);
    at_ += c.size;
    return static_cast<std::uint32_t>(c.code);
  }

  Result<NodeId> literal() {
    ++at_;
    std::vector<NodeId> parts;
    while (peek() != '"' || !more()) {
      CONTINUO_TRY(const std::uint32_t c, character());
      parts.push_back(syntax_.chars(normalized({{c, c}}), false));
    }
    ++at_;
    return syntax_.seq(parts);
  }

  Result<NodeId> character_class() {
    ++at_;
    const bool negated = eat("^");
    CharSet set;
    while (peek() != ']' || !more()) {
      CONTINUO_TRY(const std::uint32_t first, character());
      std::uint32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        CONTINUO_TRY(last, character());
        if (last < first) return wrong("a range in [] that is none");
      }
      set.push_back({first, last});
    }
    ++at_;
    set = normalized(std::move(set));
    return syntax_.chars(negated ? complement(set) : set, false);
  }

  std::string_view text_;
  Syntax& syntax_;
  std::size_t at_ = 0;
  std::map<std::string, Rule> rules_;
};

}  // namespace

Result<RuleId> read_gbnf(std::string_view text, Syntax& syntax) { return GbnfParser(text, syntax).parse(); }

}  // namespace continuo
