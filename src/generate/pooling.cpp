#include "generate/pooling.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace continuo {

void pool(std::span<const float> hidden, Pooling pooling, std::span<float> vector) {
  const std::size_t width = vector.size(), tokens = hidden.size() / width;
  if (pooling != Pooling::mean) {
    const std::span<const float> row = pooling == Pooling::cls ? hidden.first(width) : hidden.last(width);
    std::copy(row.begin(), row.end(), vector.begin());
    return;
  }
  std::vector<double> sums(width);
  for (std::size_t token = 0; token < tokens; ++token) {
    const float* const row = hidden.data() + token * width;
    for (std::size_t i = 0; i < width; ++i) sums[i] += static_cast<double>(row[i]);
  }
  for (std::size_t i = 0; i < width; ++i) vector[i] = static_cast<float>(sums[i] / static_cast<double>(tokens));
}

void normalize(std::span<float> vector) {
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * static_cast<double>(value);
  if (square == 0) return;
  const double factor = 1 / std::sqrt(square);
  for (float& value : vector) value = static_cast<float>(value * factor);
}

}  // namespace continuo
