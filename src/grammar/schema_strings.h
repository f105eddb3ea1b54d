// What JSON schemas say of strings: lengths, patterns, formats and values, as syntax.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "grammar/json_values.h"
#include "grammar/regular.h"
#include "grammar/syntax.h"

namespace continuo {

struct StringShape {
  std::uint32_t least = 0, most = kUnbounded;  // characters
  std::set<std::string> patterns, not_patterns, formats;
  std::optional<std::set<std::string>> values;  // no others
  std::set<std::string> excluded;

  bool is_any() const {
    return least == 0 && most == kUnbounded && patterns.empty() && not_patterns.empty() && formats.empty() && !values &&
           excluded.empty();
  }
};

class SchemaStrings {
 public:
  SchemaStrings(Syntax& syntax, JsonValues& values) : syntax_(syntax), values_(values) {}

  // Known: it is checked; other words of JSON schema are not supported, and words that it does not know say nothing.
  enum class Format : std::uint8_t { known, unsupported, unknown };
  static Format format(std::string_view name);

  // Look-ahead at its beginning becomes patterns of their own.
  static void add_pattern(std::string text, StringShape& shape);
  // Whether the pattern can be read. Errors say what is wrong with it.
  Result<NodeId> pattern(const std::string& text);
  Result<bool> matches(const std::string& pattern, const std::string& name);

  Result<bool> is_empty(const StringShape& shape);
  // With quotes.
  Result<NodeId> string(const StringShape& shape);
  RegularBudget& budget() { return budget_; }
  // Names of members, between the quotes: each has one spelling. Nothing if there is none. `base`: names of one
  // spelling.
  Result<std::optional<NodeId>> names(NodeId base, const std::vector<StringShape>& shapes,
                                      const std::vector<std::string>& matched,
                                      const std::vector<std::string>& unmatched);

 private:
  Result<void> add_sets(const StringShape& shape, std::vector<NodeId>& all_of, std::vector<NodeId>& none_of);
  NodeId spelled(const std::set<std::string>& values);
  NodeId any() { return syntax_.repeat(all_chars(), 0, kUnbounded); }
  NodeId all_chars();

  Syntax& syntax_;
  JsonValues& values_;
  std::map<std::string, NodeId> patterns_;
  std::map<std::string, std::unique_ptr<Recognizer>> recognizers_;  // by pattern
  std::map<std::pair<std::string, std::string>, bool> matches_;
  RegularBudget budget_;
};

}  // namespace continuo
