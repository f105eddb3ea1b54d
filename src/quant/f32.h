// IEEE 754 binary32, little endian.
#pragma once

#include <cstddef>
#include <cstring>

namespace continuo {

inline void f32_to_float(const std::byte* stored, float* values, std::size_t n) {
  std::memcpy(values, stored, n * sizeof(float));
}

inline void f32_from_float(const float* values, std::byte* stored, std::size_t n) {
  std::memcpy(stored, values, n * sizeof(float));
}

}  // namespace continuo
