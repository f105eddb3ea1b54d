// From the texts of constraints to a grammar's syntax. Errors say what is wrong, and where; what is not
// supported is named.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "grammar/automaton.h"
#include "grammar/constraint.h"
#include "grammar/syntax.h"

namespace continuo {

// Of a constraint's text.
inline constexpr std::size_t kMostConstraintBytes = std::size_t{16} << 20;

// The root rule of each.
Result<RuleId> read_choices(const std::vector<std::string>& choices, Syntax& syntax);
Result<RuleId> read_regex(std::string_view text, Syntax& syntax);
Result<RuleId> read_gbnf(std::string_view text, Syntax& syntax);
Result<RuleId> read_json_schema(std::string_view text, Syntax& syntax);

// A regular expression that is searched for in a text, as JSON schema's `pattern` is, where characters are
// spelled as in a JSON string.
Result<NodeId> read_json_pattern(std::string_view text, Syntax& syntax);

Result<std::shared_ptr<const Automaton>> read_constraint(const Constraint& constraint);

}  // namespace continuo
