#include <chrono>

#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

bool matches(const std::string& regex, std::string_view text) {
  Matcher matcher = matcher_of(ConstraintKind::regex, {regex});
  return takes(matcher, text);
}

std::string refused(std::string regex) { return refusal(ConstraintKind::regex, std::move(regex)); }

}  // namespace

TEST_CASE("a regular expression takes the whole text") {
  CHECK(matches("a|b*", "bbb"));
  CHECK(matches("a|b*", ""));
  CHECK(!matches("a|b*", "ab"));
  CHECK(matches("^(yes|no)$", "no"));
  CHECK(!matches("^(yes|no)$", "yesno"));
  CHECK(matches("[a-c]{2,3}x?", "abc"));
  CHECK(!matches("[a-c]{2,3}x?", "a"));
  CHECK(!matches("[a-c]{2,3}x?", "abcax"));
  CHECK(matches("\\d+\\.\\d{2}", "12.50"));
  CHECK(!matches("\\d+\\.\\d{2}", "12.5"));
  CHECK(matches("(?:ab)+?(?<n>c)*", "ababcc"));
  CHECK(matches("a{,2}", "aa"));
  CHECK(matches("a{x", "a{x"));
  CHECK(matches("[]a]+", "]a"));
  CHECK(matches("[^\\n]+", "\xc3\xa9\xf0\x9f\x98\x80"));
  CHECK(matches(".", "\xe2\x82\xac"));
  CHECK(!matches(".", "\n"));
  CHECK(!matches(".", "\xe2\x82"));
  CHECK(!matches(".", "\xed\xa0\x80"));  // a surrogate
  CHECK(!matches(".", "\xc0\xaf"));      // an overlong slash
  CHECK(matches("\\u00e9|\\x41|\\u{1F600}|\\ud83d\\ude01", "\xf0\x9f\x98\x81"));
  CHECK(matches("[\xc3\xa0-\xc3\xbc]", "\xc3\xa9"));
  CHECK(!matches("[\xc3\xa0-\xc3\xbc]", "\xc3\xbf"));
}

TEST_CASE("a part of a character is the beginning of a text") {
  Matcher matcher = matcher_of(ConstraintKind::regex, {"[\xe4\xb8\x80-\xe9\xbf\xbf]"});
  CHECK(begins(matcher, "\xe4"));
  CHECK(begins(matcher, "\xe9\xbf"));
  CHECK(!begins(matcher, "\xea"));
  CHECK(!takes(matcher, "\xe4\xb8"));
}

TEST_CASE("what regular expressions cannot do is refused by name") {
  CHECK(refused("a(?=b)") == "regex has look-ahead (?= or (?! at byte 4, which is not supported");
  CHECK(refused("(?<!a)b").find("look-behind") != std::string::npos);
  CHECK(refused("(a)\\1").find("a back reference") != std::string::npos);
  CHECK(refused("\\bword").find("word boundary") != std::string::npos);
  CHECK(refused("a^b").find("an anchor inside") != std::string::npos);
  CHECK(refused("a(^b)").find("an anchor inside") != std::string::npos);
  CHECK(refused("(a$)b").find("an anchor inside") != std::string::npos);
  CHECK(refused("(^a)*b").find("an anchor that repeats") != std::string::npos);
  CHECK(refused("a$b").find("an anchor inside") != std::string::npos);
  CHECK(refused("\\p{L}").find("Unicode property") != std::string::npos);
  CHECK(refused("(?i)a").find("flags") != std::string::npos);
  CHECK(refused("a++").find("possessive") != std::string::npos);
  CHECK(refused("(a").find("without its ')'") != std::string::npos);
  CHECK(refused("a)").find("closes nothing") != std::string::npos);
  CHECK(refused("[a").find("without its ']'") != std::string::npos);
  CHECK(refused("*").find("a quantifier of nothing") != std::string::npos);
  CHECK(refused("a{3,2}").find("first number") != std::string::npos);
  CHECK(refused("[z-a]").find("a range in []") != std::string::npos);
  CHECK(refused("a\\").find("nothing behind it") != std::string::npos);
  CHECK(refused("\xff").find("UTF-8") != std::string::npos);
  CHECK(refused("[^\\s\\S]").find("matches no text") != std::string::npos);
}

TEST_CASE("bombs are refused, or cost little") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(refused("((((a{1000}){1000}){1000}){1000}){1000}").find("states") != std::string::npos);
  CHECK(refused(std::string(100'000, '(')).find("too many groups") != std::string::npos);
  Matcher matcher = matcher_of(ConstraintKind::regex, {"(a|a|aa)*(a*)*b(x+x+)+y"});
  CHECK(takes(matcher, std::string(10'000, 'a') + "b" + std::string(10'000, 'x') + "y"));
  CHECK(!takes(matcher, std::string(10'000, 'a')));
  Matcher blowup = matcher_of(ConstraintKind::regex, {"(a|b)*a(a|b){16}"});
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += i * i % 7 % 2 ? 'a' : 'b';
  CHECK(begins(blowup, text));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE("one of several texts") {
  Matcher matcher = matcher_of(ConstraintKind::choice, {"yes", "no", "not sure"});
  CHECK(takes(matcher, "no"));
  CHECK(takes(matcher, "not sure"));
  CHECK(!takes(matcher, "not"));
  CHECK(!begins(matcher, "yesn"));
  CHECK(!read_constraint({ConstraintKind::choice, {}}));
}
