// Decimal numbers as they are written, of any length.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/json_fwd.h"

namespace continuo {

struct Decimal {
  bool negative = false;
  std::string whole = "0";  // without zeros in front
  std::string fraction;     // without zeros behind

  // Nothing if it has more than a thousand digits.
  static std::optional<Decimal> of(const Json& number);
  static Decimal of(std::int64_t value);

  bool is_whole() const { return fraction.empty(); }
  bool is_zero() const { return whole == "0" && fraction.empty(); }
  Decimal negated() const { return {!negative && !is_zero(), whole, fraction}; }
  Decimal magnitude() const { return {false, whole, fraction}; }
  std::string text() const { return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction); }
  // The nearest whole numbers.
  Decimal floor() const;
  Decimal ceil() const { return negated().floor().negated(); }
  Decimal plus_one() const;  // of a whole number
  Decimal minus_one() const { return negated().plus_one().negated(); }
  // Whether it is a whole multiple of step; a step above 0 of at most 9 digits.
  bool is_multiple_of(const Decimal& step) const;
  // Its digits as a whole number: itself times 10^scale; nothing if it has more than 9 digits.
  std::optional<std::uint64_t> scaled(std::size_t scale) const;

  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) = default;
};

}  // namespace continuo
