// How the hidden states of a text's tokens become one vector.
#pragma once

#include <cstdint>

namespace continuo {

enum class Pooling : std::uint8_t {
  mean,  // of all tokens
  cls,   // of the first
  last,  // of the last
};

}  // namespace continuo
