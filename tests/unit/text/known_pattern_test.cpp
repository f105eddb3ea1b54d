// The hand-written matchers find what the engine finds.
#include <random>

#include "base/json.h"
#include "text/char_class.h"
#include "text/known_pattern.h"
#include "text/pattern.h"
#include "text/utf8.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

constexpr unsigned kSeed = 20240607;

// Contractions and their case folds (the long s, the Kelvin sign), all kinds of white space, digits and marks
// of many scripts, and bytes that are not UTF-8.
const std::vector<std::string> kParts = {"'",
                                         "'s",
                                         "'S",
                                         "'\u017f",
                                         "'t",
                                         "'RE",
                                         "'re",
                                         "'vE",
                                         "'m",
                                         "'ll",
                                         "'lL",
                                         "'l",
                                         "'d",
                                         "'K",
                                         "\u212a",
                                         "k",
                                         "a",
                                         "Word",
                                         "the",
                                         "\u00e9",
                                         "e\u0301",
                                         "\u0301",
                                         "\u0e34",
                                         "\u093f",
                                         "\u4e2d\u6587",
                                         "\u3042",
                                         "\ud55c",
                                         "\u05d0",
                                         "\u0639",
                                         "\U0001d400",
                                         "\U00020000",
                                         "1",
                                         "12",
                                         "1234",
                                         "\u0663",
                                         "\u0967",
                                         "\u00b2",
                                         "\u2167",
                                         "\u2460",
                                         "\U0001d7d8",
                                         "\U00011c50",
                                         " ",
                                         "  ",
                                         "   ",
                                         "\t",
                                         "\n",
                                         "\r",
                                         "\r\n",
                                         "\n\n",
                                         "\v",
                                         "\f",
                                         "\u0085",
                                         "\u00a0",
                                         "\u1680",
                                         "\u180e",
                                         "\u2000",
                                         "\u200a",
                                         "\u2028",
                                         "\u2029",
                                         "\u202f",
                                         "\u205f",
                                         "\u3000",
                                         "\u200b",
                                         "\ufeff",
                                         ".",
                                         ",",
                                         "!?",
                                         "(",
                                         ")",
                                         "\"",
                                         "-",
                                         "_",
                                         "\u2014",
                                         "\u3002",
                                         "\u20ac",
                                         "\U0001f600",
                                         "\U0001f468\u200d\U0001f469",
                                         "\x01",
                                         "\x7f",
                                         "\xff",
                                         "\x80",
                                         "\xc3",
                                         "\xe4\xb8",
                                         "\xf0\x9f\x98",
                                         "\xed\xa0\x80",
                                         "\xef\xbf\xbe",
                                         "\U0010ffff"};

std::string random_text(std::mt19937& random) {
  std::string text;
  for (auto count = random() % 24; count > 0; --count) {
    if (random() % 8 == 0) {
      const auto code = static_cast<char32_t>(random() % (random() % 2 ? 0x3000 : 0x110000));
      if (code < 0xd800 || code > 0xdfff) append_utf8(text, code);
    } else if (random() % 8 == 0) {
      text += static_cast<char>(random() & 255);
    } else {
      text += kParts[random() % kParts.size()];
    }
  }
  return text;
}

}  // namespace

namespace {

// Whether the engine does not know some character.
bool has_unknown(const std::string& text) {
  static const auto unknown = Regex::compile(R"(\p{Cn})", "", "");
  std::vector<Range> found;
  TextWork work(text.size());
  unknown->find_all(text, found, work);
  return !found.empty();
}

}  // namespace

TEST_CASE("well-known patterns match as the engine does") {
  for (const std::string_view expression : {kGpt2Pattern, kLlama3Pattern, kQwen2Pattern, kCl100kPattern}) {
    const auto known = Pattern::regex(expression, "t.json", "test");
    const auto engine = Regex::compile(expression, "t.json", "test");
    REQUIRE(known);
    REQUIRE(engine);
    REQUIRE(known->known());
    std::mt19937 random(kSeed);
    std::vector<Range> expected, found;
    for (int i = 0; i < 40'000; ++i) {
      const std::string text = random_text(random);
      if (has_unknown(text)) continue;  // the tables know newer characters than the engine
      expected.clear();
      found.clear();
      TextWork work(text.size());
      engine->find_all(text, expected, work);
      known->find_all(text, found, work);
      if (found == expected) continue;
      INFO("seed " << kSeed << ", text " << i << ": "
                   << Json(text).dump(-1, ' ', true, Json::error_handler_t::replace));
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("every character that the engine knows is in the class that it gives it") {
  const auto letter = Regex::compile(R"(\p{L})", "", ""), number = Regex::compile(R"(\p{N})", "", ""),
             space = Regex::compile(R"(\s)", "", ""), unknown = Regex::compile(R"(\p{Cn})", "", "");
  REQUIRE(letter);
  const auto matches = [](const Regex& regex, const std::string& text) {
    std::vector<Range> found;
    TextWork work(text.size());
    regex.find_all(text, found, work);
    return !found.empty();
  };
  const auto check = [&](char32_t code) {
    std::string text;
    append_utf8(text, code);
    if (matches(*unknown, text)) return;  // newer than the engine
    const CharClass expected = code == '\r' || code == '\n' ? CharClass::newline
                               : matches(*letter, text)     ? CharClass::letter
                               : matches(*number, text)     ? CharClass::number
                               : matches(*space, text)      ? CharClass::space
                                                            : CharClass::other;
    if (classify(text, 0).kind != expected || char_class(code) != expected) FAIL(static_cast<unsigned>(code));
  };
  for (char32_t code = 0; code < 0x3400; ++code) check(code);
  std::mt19937 random(kSeed);
  for (int i = 0; i < 50'000; ++i) {
    const auto code = static_cast<char32_t>(random() % 0x110000);
    if (code < 0xd800 || code > 0xdfff) check(code);
  }
}

TEST_CASE("only the expressions to the letter are known") {
  CHECK_FALSE(KnownPattern::find(""));
  CHECK_FALSE(KnownPattern::find(std::string(kGpt2Pattern) + " "));
}
