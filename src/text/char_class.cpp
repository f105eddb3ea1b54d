#include "text/char_class.h"

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "text/page_cache.h"
#include "text/pattern.h"

namespace continuo {

namespace {

using Classes = PageCache<CharClass>;
Classes classes;

struct Question {
  Regex regex;
  CharClass answer;
};

Question question(const char* expression, CharClass answer) {
  auto regex = Regex::compile(expression, "", "");
  CONTINUO_CHECK(regex, "a class of characters is a sound expression");
  return {std::move(regex).value(), answer};
}

std::unique_ptr<Classes::Page> make_page(char32_t number) {
  static const std::array<Question, 3> questions = {question(R"(\p{L})", CharClass::letter),
                                                    question(R"(\p{N})", CharClass::number),
                                                    question(R"(\s)", CharClass::space)};
  auto page = std::make_unique<Classes::Page>();
  page->fill(CharClass::other);
  std::string text;
  std::vector<std::size_t> begins;  // of the page's characters in the text
  for (char32_t i = 0; i < 256; ++i) {
    begins.push_back(text.size());
    append_utf8(text, number * 256 + i);
  }
  std::vector<Range> matches;
  for (const Question& ask : questions) {
    matches.clear();
    ask.regex.find_all(text, matches);
    std::size_t i = 0;
    for (const Range& match : matches) {
      while (begins[i] != match.begin)
        ++i;
      (*page)[i] = ask.answer;
    }
  }
  if (number == 0) (*page)['\r'] = (*page)['\n'] = CharClass::newline;
  return page;
}

}  // namespace

CharClass char_class(char32_t code) { return classes.at(code, make_page); }

}  // namespace continuo
