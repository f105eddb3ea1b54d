// What a whole continuation has to be, as a request says it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace continuo {

enum class ConstraintKind : std::uint8_t { none, choice, regex, json, grammar };

struct Constraint {
  ConstraintKind kind = ConstraintKind::none;
  std::vector<std::string> texts;  // choices; one regular expression, JSON schema or GBNF grammar

  auto operator<=>(const Constraint&) const = default;
};

}  // namespace continuo
