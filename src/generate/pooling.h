// One vector for a text, of the hidden states of its tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace continuo {

enum class Pooling : std::uint8_t {
  mean,  // of all tokens
  cls,   // of the first
  last,  // of the last
};

// `hidden`: of each token `width` values.
std::vector<float> pooled(std::span<const float> hidden, std::size_t width, Pooling pooling);
// Divided by its length, unless that is 0.
void normalize(std::vector<float>& vector);

}  // namespace continuo
