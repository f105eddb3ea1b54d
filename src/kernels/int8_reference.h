// int8.h in plain loops.
#pragma once

#include "kernels/int8.h"

namespace continuo {

// 32 weights as whole numbers: weight i = scale[i / 16] * w[i] + shift.
struct Int8Weights {
  std::int8_t w[kInt8Block];
  float scale[2];  // equal where a step has 32 weights
  float shift;
};

// How a format's weights become whole numbers.
struct Int8Format {
  // Block `part` of the stored block at `stored`; null for a format without integer products.
  void (*unpack)(const std::byte* stored, std::size_t part, Int8Weights& out) = nullptr;
  std::size_t step = kInt8Block;  // weights that share a scale: 32 or 16
  bool shifted = false;
};
const Int8Format& int8_format(Format format);

extern const Int8Kernels kReferenceInt8;

}  // namespace continuo
