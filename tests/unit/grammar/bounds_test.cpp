// Constraints that ask for more than there is: each is answered, with one line that says why, in bounded time and
// memory.
#include <fmt/format.h>
#include <time.h>

#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

constexpr double kMostSeconds = 30;  // on a slow machine, without optimization

double seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// What is said of it, "" if it is taken.
std::string answer(ConstraintKind kind, std::string text) {
  const double start = seconds();
  const std::string said = refusal(kind, std::move(text));
  CHECK(seconds() - start < kMostSeconds);
  CHECK(said.find('\n') == std::string::npos);
  CHECK(said.size() < 600);
  return said;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Walks it along a text, and looks at no more sets than it may make.
void walk(ConstraintKind kind, std::string constraint, const std::string& text) {
  auto automaton = read_constraint({kind, {std::move(constraint)}});
  if (!automaton) return;
  const double start = seconds();
  Matcher matcher(*automaton, nullptr);
  (void)matcher.may_end(matcher.advance(matcher.start(), text));
  CHECK(matcher.memory() < (std::size_t{600} << 20));
  CHECK(seconds() - start < kMostSeconds);
}

}  // namespace

TEST_CASE("regular expressions that grow") {
  CHECK(answer(ConstraintKind::regex, "(((a{1000}){1000}){1000}){1000}").find("states") != std::string::npos);
  CHECK(answer(ConstraintKind::regex, "(a?){100000}b{100000}").empty());
  CHECK(answer(ConstraintKind::regex, "a{999999999}").find("states") != std::string::npos);
  CHECK(answer(ConstraintKind::regex, repeated("(", 300) + "a" + repeated(")", 300)).find("too many groups") !=
        std::string::npos);
  CHECK(answer(ConstraintKind::regex, repeated("(a|b|", 150) + "c" + repeated(")", 150)).empty());
  CHECK(answer(ConstraintKind::regex, std::string(std::size_t{17} << 20, 'a')).find("16 MiB") != std::string::npos);
  walk(ConstraintKind::regex, "(a|aa|aaa)*(a*)*(a+)+b", repeated("a", 20000));
  walk(ConstraintKind::regex, "(.*a.{1000}){3}", repeated("a", 3000));
}

TEST_CASE("schemas that grow") {
  const auto schema = [](std::string text) { return answer(ConstraintKind::json, std::move(text)); };
  // Ten of three branches each that hold together, and thirty.
  for (const int times : {10, 30}) {
    std::string all;
    for (int i = 0; i < times; ++i) {
      all += fmt::format(R"({}{{"anyOf":[{{"required":["a{}"]}},{{"required":["b{}"]}},{{"maximum":{}}}]}})",
                         i > 0 ? "," : "", i, i, i);
    }
    const std::string said = schema("{\"allOf\":[" + all + "]}");
    INFO(said);
    CHECK((said.empty() || said.find("too many") != std::string::npos || said.find("large") != std::string::npos));
  }
  std::string branches;
  for (int i = 0; i < 3000; ++i)
    branches += fmt::format(R"({}{{"type":"object","required":["k{}"]}})", i > 0 ? "," : "", i);
  CHECK(schema("{\"oneOf\":[" + branches + "]}") != "");
  CHECK(schema(R"({"allOf":[{"pattern":"^(a|b)*a(a|b){30}$"},{"pattern":"b(a|b){31}$"}],"type":"string"})")
            .find("states") != std::string::npos);
  std::string members;
  for (int i = 0; i < 300; ++i) {
    members += fmt::format(R"({}"k{}":{{"type":"string","pattern":"^(a|b)*a(a|b){{10}}{}$","maxLength":{}}})",
                           i > 0 ? "," : "", i, i, 100 + i);
  }
  const std::string said = schema("{\"properties\":{" + members + "}}");
  CHECK((said.empty() || said.find("states") != std::string::npos || said.find("large") != std::string::npos));
  std::string patterns;
  for (int i = 0; i < 20; ++i) patterns += fmt::format(R"({}"p{}":{{"minimum":{}}})", i > 0 ? "," : "", i, i);
  CHECK(schema("{\"patternProperties\":{" + patterns + "}}").find("patterns") != std::string::npos);
  CHECK(schema(R"({"type":"array","minItems":1000000000,"maxItems":2000000000})").find("states") != std::string::npos);
  CHECK(schema(R"({"type":"integer","multipleOf":123456789})").find("multipleOf") != std::string::npos);
  CHECK(schema(R"({"type":"number","minimum":1e308,"maximum":1.5e308})").empty());
}

TEST_CASE("schemas that refer to themselves") {
  const auto schema = [](std::string text) { return answer(ConstraintKind::json, std::move(text)); };
  CHECK(schema(R"({"$ref":"#"})").find("left recursion") != std::string::npos);
  CHECK(schema(R"({"allOf":[{"$ref":"#"}]})").find("left recursion") != std::string::npos);
  CHECK(schema(R"({"not":{"$ref":"#"}})").find("left recursion") != std::string::npos);
  CHECK(schema(R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})")
            .find("left recursion") != std::string::npos);
  CHECK(schema(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})").find("matches no text") !=
        std::string::npos);
  CHECK(schema(R"({"type":"array","items":{"allOf":[{"$ref":"#"},{"minItems":1}]}})").empty());
  CHECK(schema(R"({"oneOf":[{"type":"null"},{"type":"array","items":{"$ref":"#"}}]})").empty());
  walk(ConstraintKind::json, R"({"type":"array","items":{"$ref":"#"}})", repeated("[", 100000));
  walk(ConstraintKind::json,
       R"({"anyOf":[{"type":"array","items":{"$ref":"#"}},{"type":"array","prefixItems":[{"$ref":"#"}]}]})",
       repeated("[", 2000));
}

TEST_CASE("large schemas") {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"not":)";
  CHECK(answer(ConstraintKind::json, deep + "{}" + repeated("}", 100)) != "");
  std::string members = R"({"type":"object","properties":{)";
  for (int i = 0; members.size() < 10'000'000; ++i)
    members +=
        fmt::format(R"({}"member{}":{{"type":"string","description":"what this one is for"}})", i > 0 ? "," : "", i);
  const std::string said = answer(ConstraintKind::json, members + "}}");
  CHECK((said.empty() || said.find("states") != std::string::npos || said.find("too large") != std::string::npos));
}

TEST_CASE("grammars that call themselves") {
  const auto grammar = [](std::string text) { return answer(ConstraintKind::grammar, std::move(text)); };
  CHECK(grammar("root ::= root \"a\" | \"b\"").find("left recursion") != std::string::npos);
  CHECK(grammar("root ::= a\na ::= b? a \"x\"\nb ::= \"y\"").find("left recursion") != std::string::npos);
  CHECK(grammar("root ::= \"a\" root").find("matches no text") != std::string::npos);
  walk(ConstraintKind::grammar, "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"", repeated("a", 50000));
  std::string rules = "root ::= r0\n";
  for (int i = 0; i < 100000; ++i) rules += fmt::format("r{} ::= \"x\" r{}?\n", i, (i + 1) % 100000);
  CHECK(grammar(rules).empty());
}
