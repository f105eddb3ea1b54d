// JSON's numbers as syntax: within bounds, whole, multiples.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "grammar/decimal.h"
#include "grammar/syntax.h"

namespace continuo {

struct NumberBound {
  Decimal value;
  bool exclusive;
  bool operator==(const NumberBound&) const = default;
};

class JsonNumbers {
 public:
  using Bound = std::optional<NumberBound>;

  explicit JsonNumbers(Syntax& syntax) : syntax_(syntax) {}

  // With an exponent only if there are no bounds.
  NodeId between(const Bound& least, const Bound& most, bool exponents = true);
  // Without a fraction; whole bounds that are not exclusive.
  NodeId whole(const std::optional<Decimal>& least, const std::optional<Decimal>& most);
  // Numbers that are no whole ones.
  NodeId fractions();
  // Multiples of a step above 0, without an exponent, or without a fraction; nothing if it has too many digits.
  std::optional<NodeId> multiples(const Decimal& step, bool whole);
  // The number in all its spellings without an exponent.
  NodeId spellings(const Decimal& value, bool whole);

 private:
  NodeId digit(char first, char last);
  NodeId digits(std::string_view least, std::string_view most);
  NodeId magnitude(const std::string& least, const std::optional<std::string>& most);
  NodeId any_fraction();
  NodeId fraction_above(std::string_view least, bool exclusive);
  NodeId fraction_below(std::string_view most, bool exclusive);
  NodeId digits_between(std::string_view least, bool exclusive, std::string_view most, bool most_exclusive);
  NodeId fraction_between(std::string_view least, bool exclusive, std::string_view most, bool most_exclusive);
  NodeId digits_above(std::string_view least, bool exclusive);
  NodeId digits_below(std::string_view most, bool exclusive);
  NodeId positive(const NumberBound& least, const Bound& most);
  NodeId zeros() { return syntax_.repeat(syntax_.byte('0'), 0, kUnbounded); }

  Syntax& syntax_;
};

}  // namespace continuo
