// Any bytes as a constraint of each kind: they are refused, or make an automaton that takes bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "grammar/matcher.h"
#include "grammar/readers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace continuo;
  if (size == 0) return 0;
  constexpr ConstraintKind kKinds[] = {ConstraintKind::choice, ConstraintKind::regex, ConstraintKind::json,
                                       ConstraintKind::grammar};
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto automaton = read_constraint({kKinds[data[0] % 4], {text}});
  if (!automaton) return 0;
  Matcher matcher(*automaton, nullptr);
  std::uint32_t set = matcher.start();
  for (const char c : text.substr(0, 200)) set = matcher.advance(set, std::string_view(&c, 1));
  (void)matcher.may_end(set);
  return 0;
}
