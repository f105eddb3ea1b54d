#include "grammar/json_numbers.h"

#include <algorithm>
#include <string>

namespace continuo {

NodeId JsonNumbers::digit(char first, char last) {
  ByteSet set;
  for (char c = first; c <= last; ++c) set.set(static_cast<unsigned char>(c));
  return syntax_.bytes(set);
}

// ---- whole numbers ----

// Numbers of as many digits as both have, from one to the other.
NodeId JsonNumbers::digits(std::string_view least, std::string_view most) {
  if (least.empty()) return syntax_.empty();
  const std::size_t rest = least.size() - 1;
  const auto count = static_cast<std::uint32_t>(rest);
  if (least[0] == most[0]) return syntax_.seq({digit(least[0], least[0]), digits(least.substr(1), most.substr(1))});
  std::vector<NodeId> choices;
  const std::string zero(rest, '0'), nine(rest, '9');
  char first = least[0], last = most[0];
  if (least.substr(1) != zero) {
    choices.push_back(syntax_.seq({digit(first, first), digits(least.substr(1), nine)}));
    ++first;
  }
  if (most.substr(1) != nine) {
    choices.push_back(syntax_.seq({digit(last, last), digits(zero, most.substr(1))}));
    --last;
  }
  if (first <= last)
    choices.push_back(syntax_.seq({digit(first, last), syntax_.repeat(digit('0', '9'), count, count)}));
  return syntax_.alt(choices);
}

// Without a sign.
NodeId JsonNumbers::magnitude(const std::string& least, const std::optional<std::string>& most) {
  if (most && (most->size() < least.size() || (most->size() == least.size() && *most < least))) return syntax_.never();
  std::vector<NodeId> choices;
  const std::string last = most ? *most : std::string(least.size(), '9');
  for (std::size_t size = least.size(); size <= last.size(); ++size) {
    const std::string low = size == least.size() ? least : "1" + std::string(size - 1, '0');
    const std::string high = size == last.size() ? last : std::string(size, '9');
    choices.push_back(digits(low, high));
  }
  if (!most) {
    const auto more = static_cast<std::uint32_t>(least.size());
    choices.push_back(syntax_.seq({digit('1', '9'), syntax_.repeat(digit('0', '9'), more, kUnbounded)}));
  }
  return syntax_.alt(choices);
}

NodeId JsonNumbers::whole(const std::optional<Decimal>& least, const std::optional<Decimal>& most) {
  std::vector<NodeId> choices;
  const auto size_of = [](const std::optional<Decimal>& bound) {
    return bound ? std::optional(bound->whole) : std::nullopt;
  };
  if (!most || !most->negative)
    choices.push_back(magnitude(least && !least->negative ? least->whole : "0", size_of(most)));
  if (!least || least->negative)
    choices.push_back(
        syntax_.seq({syntax_.byte('-'), magnitude(most && most->negative ? most->whole : "1", size_of(least))}));
  return syntax_.alt(choices);
}

// ---- fractions: from the point on; `least` and `most` end with no zero ----

NodeId JsonNumbers::any_fraction() {
  return syntax_.optional(syntax_.seq({syntax_.byte('.'), syntax_.repeat(digit('0', '9'), 1, kUnbounded)}));
}

// Digits that are at least these, or above them.
NodeId JsonNumbers::digits_above(std::string_view least, bool exclusive) {
  const NodeId any = syntax_.repeat(digit('0', '9'), 0, kUnbounded);
  if (least.empty()) return exclusive ? syntax_.seq({zeros(), digit('1', '9'), any}) : any;
  const NodeId same = syntax_.seq({digit(least[0], least[0]), digits_above(least.substr(1), exclusive)});
  if (least[0] == '9') return same;
  return syntax_.alt({same, syntax_.seq({digit(static_cast<char>(least[0] + 1), '9'), any})});
}

NodeId JsonNumbers::digits_below(std::string_view most, bool exclusive) {
  if (most.empty()) return exclusive ? syntax_.never() : zeros();
  const NodeId any = syntax_.repeat(digit('0', '9'), 0, kUnbounded);
  std::vector<NodeId> choices = {syntax_.seq({digit(most[0], most[0]), digits_below(most.substr(1), exclusive)})};
  if (most[0] > '0') choices.push_back(syntax_.seq({digit('0', static_cast<char>(most[0] - 1)), any}));
  choices.push_back(syntax_.empty());
  return syntax_.alt(choices);
}

NodeId JsonNumbers::fraction_above(std::string_view least, bool exclusive) {
  if (least.empty() && !exclusive) return any_fraction();
  return syntax_.seq({syntax_.byte('.'), digits_above(least, exclusive)});
}

NodeId JsonNumbers::fraction_below(std::string_view most, bool exclusive) {
  if (most.empty()) {
    if (exclusive) return syntax_.never();
    return syntax_.optional(syntax_.seq({syntax_.byte('.'), syntax_.byte('0'), zeros()}));
  }
  // A point stands before at least one digit.
  const NodeId any = syntax_.repeat(digit('0', '9'), 0, kUnbounded);
  std::vector<NodeId> choices = {syntax_.seq({digit(most[0], most[0]), digits_below(most.substr(1), exclusive)})};
  if (most[0] > '0') choices.push_back(syntax_.seq({digit('0', static_cast<char>(most[0] - 1)), any}));
  return syntax_.optional(syntax_.seq({syntax_.byte('.'), syntax_.alt(choices)}));
}

// Digits from `least` to `most`.
NodeId JsonNumbers::digits_between(std::string_view least, bool exclusive, std::string_view most, bool most_exclusive) {
  if (least.empty() && !exclusive) return digits_below(most, most_exclusive);
  if (most.empty()) return syntax_.never();
  const char first = least.empty() ? '0' : least[0], last = most[0];
  const std::string_view low = least.substr(std::min<std::size_t>(least.size(), 1)), high = most.substr(1);
  if (first == last) return syntax_.seq({digit(first, first), digits_between(low, exclusive, high, most_exclusive)});
  std::vector<NodeId> choices = {syntax_.seq({digit(first, first), digits_above(low, exclusive)}),
                                 syntax_.seq({digit(last, last), digits_below(high, most_exclusive)})};
  if (first + 1 < last)
    choices.push_back(syntax_.seq({digit(static_cast<char>(first + 1), static_cast<char>(last - 1)),
                                   syntax_.repeat(digit('0', '9'), 0, kUnbounded)}));
  return syntax_.alt(choices);
}

// Both behind the same whole number.
NodeId JsonNumbers::fraction_between(std::string_view least, bool exclusive, std::string_view most,
                                     bool most_exclusive) {
  if (least > most || (least == most && (exclusive || most_exclusive))) return syntax_.never();
  if (least.empty() && !exclusive) return fraction_below(most, most_exclusive);
  return syntax_.seq({syntax_.byte('.'), digits_between(least, exclusive, most, most_exclusive)});
}

// ---- numbers ----

// Without a sign; bounds of at least 0.
NodeId JsonNumbers::positive(const NumberBound& least, const Bound& most) {
  const Decimal &low = least.value, next = Decimal{false, low.whole, ""}.plus_one();
  if (most && most->value.whole == low.whole) {
    return syntax_.seq({syntax_.literal(low.whole),
                        fraction_between(low.fraction, least.exclusive, most->value.fraction, most->exclusive)});
  }
  if (most && most->value < low) return syntax_.never();
  std::vector<NodeId> choices = {
      syntax_.seq({syntax_.literal(low.whole), fraction_above(low.fraction, least.exclusive)})};
  if (!most) {
    choices.push_back(syntax_.seq({magnitude(next.whole, std::nullopt), any_fraction()}));
    return syntax_.alt(choices);
  }
  const Decimal last = Decimal{false, most->value.whole, ""};
  if (next < last) choices.push_back(syntax_.seq({magnitude(next.whole, last.minus_one().whole), any_fraction()}));
  choices.push_back(syntax_.seq({syntax_.literal(last.whole), fraction_below(most->value.fraction, most->exclusive)}));
  return syntax_.alt(choices);
}

NodeId JsonNumbers::between(const Bound& least, const Bound& most, bool exponents) {
  if (!least && !most && exponents) {
    const NodeId exponent = syntax_.seq({syntax_.bytes(ByteSet().set('e').set('E')),
                                         syntax_.optional(syntax_.bytes(ByteSet().set('+').set('-'))),
                                         syntax_.repeat(digit('0', '9'), 1, kUnbounded)});
    return syntax_.seq({syntax_.optional(syntax_.byte('-')), magnitude("0", std::nullopt), any_fraction(),
                        syntax_.optional(exponent)});
  }
  const NumberBound zero{{}, false}, above_zero{{}, true};
  std::vector<NodeId> choices;
  if (!most || !most->value.negative)
    choices.push_back(positive(least && !least->value.negative ? *least : zero, most));
  if (!least || least->value.negative) {
    const auto flipped = [](const Bound& bound) {
      return bound ? Bound(NumberBound{bound->value.negated(), bound->exclusive}) : std::nullopt;
    };
    choices.push_back(syntax_.seq(
        {syntax_.byte('-'), positive(most && most->value.negative ? *flipped(most) : above_zero, flipped(least))}));
  }
  return syntax_.alt(choices);
}

NodeId JsonNumbers::fractions() {
  return syntax_.seq({syntax_.optional(syntax_.byte('-')), magnitude("0", std::nullopt), fraction_above("", true)});
}

NodeId JsonNumbers::spellings(const Decimal& value, bool whole) {
  const NodeId digits = syntax_.literal((value.negative ? "-" : "") + value.whole);
  if (whole) return digits;
  const NodeId zero = syntax_.seq({syntax_.byte('.'), syntax_.byte('0'), zeros()});
  if (value.fraction.empty()) return syntax_.seq({digits, syntax_.optional(zero)});
  return syntax_.seq({digits, syntax_.literal("." + value.fraction), zeros()});
}

// States: the rest of what is read, by digits behind the point; before them the sign and a zero in front.
std::optional<NodeId> JsonNumbers::multiples(const Decimal& step, bool whole) {
  constexpr std::uint64_t kMostStates = 15'000;
  const auto scale =
      static_cast<std::uint32_t>(whole ? step.fraction.size() : std::max<std::size_t>(step.fraction.size(), 1));
  const auto divisor = step.scaled(scale);
  if (!divisor || *divisor == 0 || *divisor * (whole ? 1 : scale + 2) > kMostStates) return std::nullopt;
  const auto rests = static_cast<std::uint32_t>(*divisor);
  Dfa dfa;
  const std::uint32_t first_rest = 3, points = first_rest + rests;  // 0: start, 1: sign, 2: zero
  const auto with_point = [&](std::uint32_t digits, std::uint32_t rest) { return points + digits * rests + rest; };
  dfa.states.resize(whole ? points : points + (scale + 1) * rests);
  const auto set = [&](char c) { return syntax_.set_id(ByteSet().set(static_cast<unsigned char>(c))); };
  const auto value = [](char c) { return static_cast<std::uint32_t>(c - '0'); };
  const auto accepts = [&](std::uint32_t digits, std::uint64_t rest) {
    for (; digits < scale; ++digits) rest = rest * 10 % rests;
    return rest == 0;
  };
  dfa.states[0].edges.push_back({set('-'), 1});
  for (const std::uint32_t s : {0u, 1u}) {
    dfa.states[s].edges.push_back({set('0'), 2});
    for (char c = '1'; c <= '9'; ++c) dfa.states[s].edges.push_back({set(c), first_rest + value(c) % rests});
  }
  dfa.states[2].accepts = true;
  if (!whole) dfa.states[2].edges.push_back({set('.'), with_point(0, 0)});
  for (std::uint32_t rest = 0; rest < rests; ++rest) {
    Dfa::State& before = dfa.states[first_rest + rest];
    before.accepts = accepts(0, rest);
    for (char c = '0'; c <= '9'; ++c) before.edges.push_back({set(c), first_rest + (rest * 10 + value(c)) % rests});
    if (whole) continue;
    before.edges.push_back({set('.'), with_point(0, rest)});
    for (std::uint32_t digits = 0; digits <= scale; ++digits) {
      Dfa::State& behind = dfa.states[with_point(digits, rest)];
      behind.accepts = digits > 0 && accepts(digits, rest);  // a point stands before at least one digit
      if (digits == scale) {
        behind.edges.push_back({set('0'), with_point(scale, rest)});
        continue;
      }
      for (char c = '0'; c <= '9'; ++c)
        behind.edges.push_back({set(c), with_point(digits + 1, (rest * 10 + value(c)) % rests)});
    }
  }
  return syntax_.dfa(std::move(dfa));
}

}  // namespace continuo
