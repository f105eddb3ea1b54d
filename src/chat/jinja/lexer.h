// A template's source as tokens: the text between tags, and what is inside of them. White space around tags is dropped
// as Jinja does with trim_blocks and lstrip_blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace continuo::jinja {

struct Token {
  enum class Kind : char {
    text,
    output_begin,
    output_end,
    tag_begin,
    tag_end,
    name,
    string,
    integer,
    real,
    symbol,
    end
  };
  Kind kind = Kind::end;
  std::string text;  // of a string its value; of a symbol "==", "(" and so on
  int line = 0;
  std::int64_t integer = 0;
  double real = 0;
};

// The last token is `end`. Throws Fault.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace continuo::jinja
