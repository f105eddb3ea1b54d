// One vector for a text, of the hidden states of its tokens.
#pragma once

#include <span>

#include "model/pooling.h"

namespace continuo {

// `hidden`: of each token as many values as `vector` has.
void pool(std::span<const float> hidden, Pooling pooling, std::span<float> vector);
// Divided by its length, unless that is 0.
void normalize(std::span<float> vector);

}  // namespace continuo
