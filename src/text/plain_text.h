// Places in a text that are plain: what is written like a special token there is not one.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/types.h"

namespace continuo {

struct PlainRange {
  std::size_t begin = 0, end = 0;
};

struct PlainText {
  std::vector<PlainRange> ranges;         // in order, apart from each other, none empty
  std::span<const TokenId> control = {};  // added tokens that are treated like special ones, sorted
};

}  // namespace continuo
