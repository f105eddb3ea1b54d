// One vector for a text, of the hidden states of its tokens.
#pragma once

#include <cstdint>
#include <span>

namespace continuo {

enum class Pooling : std::uint8_t {
  mean,  // of all tokens
  cls,   // of the first
  last,  // of the last
};

// `hidden`: of each token as many values as `vector` has.
void pool(std::span<const float> hidden, Pooling pooling, std::span<float> vector);
// Divided by its length, unless that is 0.
void normalize(std::span<float> vector);

}  // namespace continuo
