#include "text/pattern.h"

#include "text/regex_syntax.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// The matches of an expression, each in <>.
std::string marked(std::string_view expression, std::string_view text) {
  const auto regex = Regex::compile(expression, "t.json", "test");
  if (!regex) return regex.error().message();
  std::vector<Range> matches;
  TextWork work(text.size());
  regex->find_all(text, matches, work);
  std::string out;
  std::size_t at = 0;
  for (const Range& match : matches) {
    out += text.substr(at, match.begin - at);
    out += "<" + std::string(text.substr(match.begin, match.end - match.begin)) + ">";
    at = match.end;
  }
  return out + std::string(text.substr(at));
}

std::string refusal(std::string_view expression) {
  const auto translated = oniguruma_to_pcre2(expression);
  return translated ? "" : translated.error().what;
}

}  // namespace

TEST_CASE("character classes are the reference's") {
  CHECK(marked(R"(\s)",
               "a\xc2\x85"
               "b\xc2\xa0"
               "c\xe3\x80\x80"
               "d\xe1\xa0\x8e"
               "e\xe2\x80\x8b") ==
        "a<\xc2\x85>b<\xc2\xa0>c<\xe3\x80\x80>d\xe1\xa0\x8e"
        "e\xe2\x80\x8b");  // not U+180E, not U+200B
  CHECK(marked(R"([^\s\p{L}]+)", "a \xe3\x80\x80!?b") == "a \xe3\x80\x80<!?>b");
  CHECK(marked(R"([\S]+)",
               "a \xc2\xa0"
               "b") == "<a> \xc2\xa0<b>");
  CHECK(marked(R"((?i:'s))", "'s'S'\xc5\xbf'x") == "<'s><'S><'\xc5\xbf>'x");  // the long s as well
  CHECK(marked(R"((?i:k))", "k\xe2\x84\xaa") == "<k><\xe2\x84\xaa>");         // the Kelvin sign
  CHECK(marked(R"(\p{N})", "1\xc2\xb2\xe2\x85\xa7\xd9\xa3") == "<1><\xc2\xb2><\xe2\x85\xa7><\xd9\xa3>");
  CHECK(marked(R"(\w+)", "a_1\xcc\x81-\xe2\x92\xb6") == "<a_1\xcc\x81>-<\xe2\x92\xb6>");
  CHECK(marked(R"(\d+|\D)", "1\xc2\xb2") == "<1><\xc2\xb2>");
  CHECK(marked(R"(\p{^L})", "a1") == "a<1>");
  CHECK(marked(R"(\p{Han}+)", "a\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82") == "a<\xe4\xbd\xa0\xe5\xa5\xbd>\xe3\x80\x82");
  CHECK(marked(R"([\s-x]+)", "- x") == "<- x>");
}

TEST_CASE("classes within classes, and the ends of words") {
  CHECK(marked(R"([a[bc]d]+)", "xabcdx") == "x<abcd>x");
  CHECK(marked(R"([^(\s|[.,]x)]+)", "a.b|c x(d") == "<a>.<b>|<c> x(<d>");
  CHECK(marked(R"(\ba|a\b)", "a ba ab bab") == "<a> b<a> <a>b bab");
  CHECK(marked(R"(\d{1,3}(?=(?:\d{3})*\b))", "1234567") == "<1><234><567>");
}

TEST_CASE("repetitions, anchors and groups are the reference's") {
  CHECK(marked(R"(a{1,2}+b)", "aaaab") == "<aaaab>");  // Ruby: (?:a{1,2})+, not possessive
  CHECK(marked(R"(\p{N}{1,3})", "12345") == "<123><45>");
  CHECK(marked(R"(a++b|a)", "aaab aa") == "<aaab> <a><a>");
  CHECK(marked(R"(^a|b$)", "a\nab\nb") == "<a>\n<a><b>\n<b>");
  CHECK(marked(R"((a)(b))", "ab") == "<ab>");
  CHECK(marked(R"((?=b))", "abab") == "a<>ba<>b");
  CHECK(marked(R"(x*)", "axb") == "<>a<x>b<>");
  CHECK(marked(R"(\x{4f60}|\u597D|\x41)",
               "\xe4\xbd\xa0\xe5\xa5\xbd"
               "A") == "<\xe4\xbd\xa0><\xe5\xa5\xbd><A>");
  CHECK(marked(R"(\s+(?!\S)|\s+)", "a   b") == "a<  >< >b");
}

TEST_CASE("what the two libraries read differently is refused") {
  CHECK(refusal(R"(\h)") == R"('\h' is not supported)");
  CHECK(refusal(R"(\B)") == R"('\B' is not supported)");
  CHECK(refusal(R"((a)\1)") == R"('\1' is not supported)");
  CHECK(refusal(R"([a[^b]])") == "a class like this within a class is not supported");
  CHECK(refusal(R"([[:alpha:]])") == "a class like this within a class is not supported");
  CHECK(refusal(R"([a[b])") == "a class without its ']' is not supported");
  CHECK(refusal(R"([a-z&&b])") == "'&&' in a class is not supported");
  CHECK(refusal(R"([\W])") == R"('\W' is not supported)");
  CHECK(refusal(R"((?i)a)") == "the group '(?i' is not supported");
  CHECK(refusal(R"((?<n>a))") == "the group '(?<' is not supported");
  CHECK(refusal(R"((*UTF)a)") == "'(*' is not supported");
  CHECK(refusal(R"(a**)") == "a repetition of a repetition is not supported");
  CHECK(refusal(R"(a{2}?)") == "a repetition of a repetition is not supported");
  CHECK(refusal(R"(a{,2})") == "a '{' that does not begin a repetition {n,m} is not supported");
  CHECK(refusal(R"(\xe3\x81)") == R"('\xe3' is not supported)");
  CHECK(refusal(R"(a\)") == R"(a '\' at the end is not supported)");
  CHECK(refusal(R"([a)") == "a class without its ']' is not supported");
  CHECK(refusal(R"(a))") == "a ')' without its '(' is not supported");
  CHECK(marked(R"(\p{Nonsense})", "a").find("unknown property") != std::string::npos);
}

TEST_CASE("bytes that are not UTF-8 never match") {
  CHECK(marked(R"([^x]+)",
               "ab\xff"
               "cd") == "<ab>\xff<cd>");
  CHECK(marked(R"(.)", "\xff\xfe") == "\xff\xfe");
}

TEST_CASE("an expression that backtracks without end is given up") {
  const std::string text = std::string(3000, 'a') + "!b";
  CHECK_THROWS_AS(marked(R"((a|aa|aaa)+b)", text), TextFault);
  CHECK_THROWS_AS(marked(R"(a*a*a*a*a*a*b)", text), TextFault);
  // A long but harmless run is not given up.
  const std::string blanks(300000, ' ');
  CHECK(marked(R"(\s*[\r\n]+|\s+(?!\S)|\s+)", blanks + "x") == "<" + blanks.substr(1) + ">< >x");
}
