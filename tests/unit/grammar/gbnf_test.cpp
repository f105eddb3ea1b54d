#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

Matcher grammar(const std::string& text) { return matcher_of(ConstraintKind::grammar, {text}); }
std::string refused(std::string text) { return refusal(ConstraintKind::grammar, std::move(text)); }

}  // namespace

TEST_CASE("a grammar with recursion") {
  Matcher sums = grammar(R"~(
# sums of numbers
root  ::= expr "\n"
expr  ::= term (ws [-+*/] ws term)*
term  ::= number |
          "(" ws expr ws ")"
number ::= [0-9]+ ("." [0-9]{1,2})?
ws ::= [ \t]*
)~");
  CHECK(takes(sums, "1+(2 * (3.25-4))\n"));
  CHECK(!takes(sums, "1+(2\n"));
  CHECK(!begins(sums, "1.2345"));
  CHECK(!begins(sums, ")"));
  std::string deep(2000, '('), closing(2000, ')');
  CHECK(takes(sums, deep + "1" + closing + "\n"));
}

TEST_CASE("recursion at the end is repetition") {
  Matcher list = grammar("root ::= \"a\" root | \"b\"");
  CHECK(takes(list, std::string(100'000, 'a') + "b"));
  CHECK(list.memory() < 1 << 20);
}

TEST_CASE("literals, classes and characters of several bytes") {
  Matcher matcher = grammar("root ::= \"\\u00e9\\n\\x41\" [^a-z\\]] [\xce\xb1-\xcf\x89]? .");
  CHECK(takes(matcher, "\xc3\xa9\nA]!") == false);
  CHECK(takes(matcher, "\xc3\xa9\nAB!"));
  CHECK(takes(matcher, "\xc3\xa9\nA\xf0\x9f\x98\x80\xce\xb3!"));
  CHECK(!begins(matcher, "\xc3\xa9\nAb"));
}

TEST_CASE("what is wrong with a grammar is said, with its line") {
  CHECK(refused("root ::= root \"a\" | \"b\"").find("left recursion: 'root' may begin with itself") !=
        std::string::npos);
  CHECK(refused("root ::= a\na ::= b? a \"x\" | \"y\"\nb ::= \"z\"").find("left recursion: 'a'") != std::string::npos);
  CHECK(refused("root ::= a").find("names the rule 'a', which is not there") != std::string::npos);
  CHECK(refused("a ::= \"x\"").find("no rule 'root'") != std::string::npos);
  CHECK(refused("root ::= \"x\"\nroot ::= \"y\"").find("line 2: the rule 'root' is there twice") != std::string::npos);
  CHECK(refused("root = \"x\"").find("line 1: expected ::=") != std::string::npos);
  CHECK(refused("root ::= \"x").find("without its end") != std::string::npos);
  CHECK(refused("root ::= (\"x\"").find("without its ')'") != std::string::npos);
  CHECK(refused("root ::= <[1]>").find("not supported") != std::string::npos);
  CHECK(refused("root ::= \"x\" root").find("matches no text") != std::string::npos);
  CHECK(refused("root ::= \"x\"{2000000}{3}").find("states") != std::string::npos);
  CHECK(refused("").find("no rule 'root'") != std::string::npos);
}

TEST_CASE("a grammar that means very many things at once stays within its bounds") {
  Matcher matcher = grammar("root ::= x\nx ::= \"a\" x \"b\" | \"a\" x \"c\" | \"a\" x x \"d\" | \"\"");
  CHECK(!begins(matcher, std::string(3000, 'a') + "e"));  // refused or too much: never without end
}
