// What tokenizer files call a pattern: a string, or a regular expression. Finding all of its matches takes
// time in proportion to the text, whatever the expression: one that backtracks too much is an error
// (text_work.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/known_pattern.h"
#include "text/text_work.h"

struct pcre2_real_code_8;  // PCRE2's compiled expression

namespace continuo {

// Bytes [begin, end) of a text.
struct Range {
  std::size_t begin = 0, end = 0;
  bool operator==(const Range&) const = default;
};

class Regex {
 public:
  // `expression` in Oniguruma's syntax. `file` and `part` ("pre_tokenizer 'Split'") are named in errors.
  static Result<Regex> compile(std::string_view expression, const std::string& file, const std::string& part);

  // Appends the matches from left to right. As in the reference an empty match counts, except right after a
  // match. Bytes that are not UTF-8 never match, and a match sees the text end there.
  void find_all(std::string_view text, std::vector<Range>& matches, TextWork& work) const;

 private:
  void find_in_valid(std::string_view text, std::size_t offset, std::vector<Range>& matches, TextWork& work) const;

  std::shared_ptr<const pcre2_real_code_8> code_;
};

class Pattern {
 public:
  // {"String": "..."} or {"Regex": "..."}.
  static Result<Pattern> parse(const Json& json, const std::string& file, const std::string& part);
  // A regular expression, by hand-written code if it is one of the well-known ones.
  static Result<Pattern> regex(std::string_view expression, const std::string& file, const std::string& part);
  explicit Pattern(std::string literal) : what_(std::move(literal)) {}  // not empty
  // Every character for which `is_match` is true, by itself.
  using CharPredicate = bool (*)(char32_t code);
  explicit Pattern(CharPredicate is_match) : what_(is_match) {}

  // Throws TextFault where the expression takes more steps than `work` has left.
  void find_all(std::string_view text, std::vector<Range>& matches, TextWork& work) const;
  // Whether finding may take more steps than a text has.
  bool is_regex() const { return std::holds_alternative<Regex>(what_); }
  // Null unless it is a well-known one.
  const KnownPattern* known() const { return std::get_if<KnownPattern>(&what_); }

 private:
  using What = std::variant<std::string, Regex, KnownPattern, CharPredicate>;
  explicit Pattern(What what) : what_(std::move(what)) {}
  What what_;
};

// `text` with every match replaced.
std::string replace_all(std::string_view text, const Pattern& pattern, std::string_view replacement, TextWork& work);

}  // namespace continuo
