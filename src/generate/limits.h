// When a text goes nowhere.
#pragma once

#include <cstddef>

namespace continuo {

// A text ends where it ends with the same tokens again and again.
struct RepetitionDetection {
  std::size_t max_pattern = 0;  // tokens of what is repeated, at the most; 0: off
  std::size_t min_pattern = 1;
  std::size_t min_count = 2;  // how often it stands at the end, one behind the other
};

}  // namespace continuo
