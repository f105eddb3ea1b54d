// A line of many requests.
#pragma once

#include <cstdint>
#include <string>

namespace continuo {

struct Line {
  std::uint64_t number = 0;  // from 1
  std::string text;          // without the '\n' that ends it
  bool too_long = false;     // then `text` is empty: it was read past, not kept
};

}  // namespace continuo
