#include "quant/grid_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/fit.h"

namespace continuo {

GridSearch::GridSearch(std::span<const std::uint16_t> points, std::size_t per, int bits, std::vector<float> levels)
    : per_(per), levels_(std::move(levels)) {
  for (const std::uint16_t point : points) {
    for (std::size_t i = 0; i < per_; ++i)
      values_.push_back(levels_[static_cast<std::size_t>(point >> (bits * static_cast<int>(i)) & ((1 << bits) - 1))]);
  }
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < per_; ++i) combinations *= levels_.size();
  std::vector<std::uint16_t> order(points.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::vector<float> distances(points.size());
  for (std::size_t combination = 0; combination < combinations; ++combination) {
    std::array<float, kMostPointValues> at{};
    for (std::size_t i = 0, rest = combination; i < per_; ++i, rest /= levels_.size())
      at[i] = levels_[rest % levels_.size()];
    for (std::size_t p = 0; p < points.size(); ++p) {
      float sum = 0;
      for (std::size_t i = 0; i < per_; ++i) sum += (at[i] - point(p)[i]) * (at[i] - point(p)[i]);
      distances[p] = sum;
    }
    // Ties: the lower index, so that a file is the same wherever it is made.
    const auto nearer = [&](std::uint16_t a, std::uint16_t b) {
      return distances[a] != distances[b] ? distances[a] < distances[b] : a < b;
    };
    std::partial_sort(order.begin(), order.begin() + kCandidates, order.end(), nearer);
    candidates_.insert(candidates_.end(), order.begin(), order.begin() + kCandidates);
  }
}

std::size_t GridSearch::level_of(float x) const {
  std::size_t level = 0;
  while (level + 1 < levels_.size() && x > (levels_[level] + levels_[level + 1]) / 2) ++level;
  return level;
}

std::size_t GridSearch::nearest(const float* x, const float* weights) const {
  std::size_t combination = 0;
  for (std::size_t i = per_; i > 0; --i) combination = combination * levels_.size() + level_of(x[i - 1]);
  std::size_t best = 0;
  float least = -1;
  for (std::size_t c = 0; c < kCandidates; ++c) {
    const std::size_t candidate = candidates_[combination * kCandidates + c];
    const float* const values = point(candidate);
    float sum = 0;
    for (std::size_t i = 0; i < per_; ++i) sum += weights[i] * (x[i] - values[i]) * (x[i] - values[i]);
    if (least < 0 || sum < least) least = sum, best = candidate;
  }
  return best;
}

namespace {

struct GroupFit {
  float scale = 0;
  double gain = 0;  // by how much the weighted squared error is less than without anything
};

// Sums over a group whose values are `inverse` times as large as its points.
struct GroupSums {
  double xq = 0, qq = 0;
  void add(const float* x, const float* q, const float* weights, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const double weighted = static_cast<double>(weights[i]) * static_cast<double>(q[i]);
      xq += weighted * static_cast<double>(x[i]);
      qq += weighted * static_cast<double>(q[i]);
    }
  }
};

GroupSums assign(const GridSearch& search, const float* x, const float* weights, std::size_t n, float inverse,
                 std::uint16_t* points) {
  GroupSums sums;
  std::array<float, kMostPointValues> scaled{};
  for (std::size_t i = 0; i < n; i += search.per()) {
    for (std::size_t j = 0; j < search.per(); ++j) scaled[j] = x[i + j] * inverse;
    const std::size_t point = search.nearest(scaled.data(), weights + i);
    points[i / search.per()] = static_cast<std::uint16_t>(point);
    sums.add(x + i, search.point(point), weights + i, search.per());
  }
  return sums;
}

GroupFit fit_group(const GridSearch& search, const float* x, const float* weights, std::size_t n) {
  float largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  GroupFit best;
  std::array<std::uint16_t, 64> points;
  // The largest value lies at the top of the lattice, or a little beyond it; at the bottom, where all are alike.
  for (int step = -1; step < 10 && largest > 0; ++step) {
    const float at = step < 0 ? search.bottom() : search.top() * (0.85f + 0.08f * static_cast<float>(step));
    const float inverse = at * inverse_of(largest);
    const GroupSums sums = assign(search, x, weights, n, inverse, points.data());
    if (sums.qq <= 0 || sums.xq <= 0) continue;
    const double gain = sums.xq * sums.xq / sums.qq;
    if (gain > best.gain) best = {static_cast<float>(sums.xq / sums.qq), gain};
  }
  return best;
}

}  // namespace

GridBlock fit_grid_block(std::span<const GridSearch* const> searches, const GridShape& shape, const float* x,
                         const float* weights, std::span<std::size_t> chosen) {
  const std::size_t groups = kSuperBlock / shape.group;
  std::array<float, 32> scales{};
  for (std::size_t g = 0; g < groups; ++g) {
    GroupFit best;
    chosen[g] = 0;
    for (std::size_t s = 0; s < searches.size(); ++s) {
      const GroupFit fit = fit_group(*searches[s], x + g * shape.group, weights + g * shape.group, shape.group);
      if (fit.gain > best.gain) best = fit, chosen[g] = s;
    }
    scales[g] = best.scale;
  }
  const float largest = *std::max_element(scales.begin(), scales.begin() + static_cast<std::ptrdiff_t>(groups));
  GridBlock block;
  if (largest <= 0) return block;
  const float d = largest / (shape.unit * static_cast<float>(2 * shape.top + 1));
  double xq = 0, qq = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const GridSearch& search = *searches[chosen[g]];
    block.scales[g] = nearest((scales[g] * inverse_of(d * shape.unit) - 1) / 2, 0, shape.top);
    const float factor = shape.unit * static_cast<float>(2 * block.scales[g] + 1);
    const GroupSums sums = assign(search, x + g * shape.group, weights + g * shape.group, shape.group,
                                  inverse_of(d * factor), block.points.data() + g * shape.group / search.per());
    xq += sums.xq * static_cast<double>(factor);
    qq += sums.qq * static_cast<double>(factor) * static_cast<double>(factor);
  }
  block.d = qq > 0 && xq > 0 ? static_cast<float>(xq / qq) : d;  // of these points the best
  return block;
}

}  // namespace continuo
