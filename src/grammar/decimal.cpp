#include "grammar/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/json.h"

namespace continuo {

namespace {

constexpr long kMostDigits = 1000;

std::string plus_one_of(std::string digits) {
  for (std::size_t i = digits.size(); i > 0; --i) {
    if (digits[i - 1] != '9') {
      ++digits[i - 1];
      return digits;
    }
    digits[i - 1] = '0';
  }
  return "1" + digits;
}

std::string minus_one_of(std::string digits) {  // at least 1
  std::size_t i = digits.size();
  for (; digits[i - 1] == '0'; --i) digits[i - 1] = '9';
  --digits[i - 1];
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return digits;
}

Decimal normalized(Decimal d) {
  d.whole.erase(0, std::min(d.whole.find_first_not_of('0'), d.whole.size() - 1));
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  if (d.is_zero()) d.negative = false;
  return d;
}

}  // namespace

Decimal Decimal::of(std::int64_t value) {
  const std::string text = std::to_string(value);
  return normalized({value < 0, value < 0 ? text.substr(1) : text, ""});
}

std::optional<Decimal> Decimal::of(const Json& number) {
  if (!number.is_number()) return std::nullopt;
  if (number.is_number_unsigned()) return normalized({false, std::to_string(number.get<std::uint64_t>()), ""});
  if (number.is_number_integer()) return of(number.get<std::int64_t>());
  const double value = number.get<double>();
  if (!std::isfinite(value)) return std::nullopt;
  std::string text = fmt::format("{}", std::abs(value));
  long exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string::npos) {
    exponent = std::strtol(text.c_str() + e + 1, nullptr, 10);
    text.resize(e);
  }
  if (std::abs(exponent) > kMostDigits) return std::nullopt;
  std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point) + (point < text.size() ? text.substr(point + 1) : "");
  long before = static_cast<long>(point) + exponent;  // digits before the point
  if (before <= 0) {
    digits.insert(0, static_cast<std::size_t>(1 - before), '0');
    before = 1;
  }
  if (before > static_cast<long>(digits.size())) digits.append(static_cast<std::size_t>(before) - digits.size(), '0');
  const auto split = static_cast<std::size_t>(before);
  return normalized({std::signbit(value), digits.substr(0, split), digits.substr(split)});
}

Decimal Decimal::floor() const {
  if (is_whole()) return *this;
  return negative ? Decimal{true, plus_one_of(whole), ""} : Decimal{false, whole, ""};
}

Decimal Decimal::plus_one() const {
  return negative ? normalized({true, minus_one_of(whole), ""}) : Decimal{false, plus_one_of(whole), ""};
}

std::optional<std::uint64_t> Decimal::scaled(std::size_t scale) const {
  std::string digits = whole + fraction;
  if (fraction.size() > scale) return std::nullopt;
  digits.append(scale - fraction.size(), '0');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.size() > 9) return std::nullopt;
  return std::stoull(digits);
}

bool Decimal::is_multiple_of(const Decimal& step) const {
  if (fraction.size() > step.fraction.size()) return false;
  const auto divisor = step.scaled(step.fraction.size());
  if (!divisor || *divisor == 0) return false;
  std::uint64_t rest = 0;
  std::string digits = whole + fraction;
  digits.append(step.fraction.size() - fraction.size(), '0');
  for (const char c : digits) rest = (rest * 10 + static_cast<std::uint64_t>(c - '0')) % *divisor;
  return rest == 0;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  const Decimal &low = a.negative ? b : a, &high = a.negative ? a : b;  // by magnitude
  if (low.whole.size() != high.whole.size()) return low.whole.size() <=> high.whole.size();
  if (const int order = low.whole.compare(high.whole); order != 0) return order <=> 0;
  return low.fraction.compare(high.fraction) <=> 0;
}

}  // namespace continuo
