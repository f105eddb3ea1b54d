#include "generate/pooling.h"

#include <algorithm>
#include <cmath>

namespace continuo {

std::vector<float> pooled(std::span<const float> hidden, std::size_t width, Pooling pooling) {
  if (pooling == Pooling::cls) return {hidden.begin(), hidden.begin() + static_cast<std::ptrdiff_t>(width)};
  if (pooling == Pooling::last) return {hidden.end() - static_cast<std::ptrdiff_t>(width), hidden.end()};
  std::vector<double> sums(width);
  for (std::size_t i = 0; i < hidden.size(); ++i) sums[i % width] += static_cast<double>(hidden[i]);
  const auto tokens = static_cast<double>(hidden.size() / width);
  std::vector<float> mean(width);
  for (std::size_t i = 0; i < width; ++i) mean[i] = static_cast<float>(sums[i] / tokens);
  return mean;
}

void normalize(std::vector<float>& vector) {
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * static_cast<double>(value);
  if (square == 0) return;
  const double factor = 1 / std::sqrt(square);
  for (float& value : vector) value = static_cast<float>(value * factor);
}

}  // namespace continuo
