#include "text/char_class.h"

#include <memory>

#include "text/character_tables.h"
#include "text/page_cache.h"

namespace continuo {

namespace {

using Classes = PageCache<CharClass>;
Classes classes;

CharClass look_up(char32_t code) {
  if (code == '\r' || code == '\n') return CharClass::newline;
  if (is_white_space(code)) return CharClass::space;
  if (find_range(tables::kLetters, code)) return CharClass::letter;
  return find_range(tables::kNumbers, code) ? CharClass::number : CharClass::other;
}

std::unique_ptr<Classes::Page> make_page(char32_t number) {
  auto page = std::make_unique<Classes::Page>();
  for (char32_t i = 0; i < 256; ++i) (*page)[i] = look_up(number * 256 + i);
  return page;
}

}  // namespace

CharClass char_class(char32_t code) { return classes.at(code, make_page); }

}  // namespace continuo
