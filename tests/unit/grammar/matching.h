// Whether an automaton takes a text, byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "catch.h"
#include "grammar/matcher.h"
#include "grammar/readers.h"

namespace continuo::test {

inline Matcher matcher_of(ConstraintKind kind, std::vector<std::string> texts) {
  auto automaton = read_constraint({kind, std::move(texts)});
  INFO((automaton ? std::string() : automaton.error().message()));
  REQUIRE(automaton);
  return Matcher(std::move(*automaton), nullptr);
}

inline bool takes(Matcher& matcher, std::string_view text) {
  return matcher.may_end(matcher.advance(matcher.start(), text));
}

// Whether something can come behind it.
inline bool begins(Matcher& matcher, std::string_view text) {
  const std::uint32_t set = matcher.advance(matcher.start(), text);
  return set != Matcher::kDead && set != Matcher::kTooLarge;
}

inline std::string refusal(ConstraintKind kind, std::string text) {
  const auto automaton = read_constraint({kind, {std::move(text)}});
  return automaton ? "" : automaton.error().message();
}

}  // namespace continuo::test
