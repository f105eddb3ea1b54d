// Quantizing as a least-squares problem: for values x, find the scale (and offset) and the whole numbers q for which
// the weighted error is least. For given q the best scale has a closed form; the q come from a search over scales
// around the one that just fits the largest value. Larger values weigh more: they carry more of a dot product.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "quant/block.h"

namespace continuo {

inline constexpr std::size_t kMostFitted = 32;  // values of one fit

// x ~ scale * q - offset with offset >= 0 and q in 0 .. top.
struct Line {
  float scale = 0, offset = 0;
};

inline int nearest(float x, int least, int largest) {
  return static_cast<int>(std::clamp(std::nearbyint(x), static_cast<float>(least), static_cast<float>(largest)));
}

struct LineSums {
  double w = 0, q = 0, qq = 0, x = 0, xq = 0, xx = 0;
  double error(const Line& line) const {
    const double a = static_cast<double>(line.scale), b = static_cast<double>(line.offset);
    return a * a * qq + b * b * w + xx - 2 * a * b * q - 2 * a * xq + 2 * b * x;
  }
  // The line of least error with an offset that is not negative.
  Line best() const {
    const double det = w * qq - q * q;
    if (det > 0) {
      const double scale = (w * xq - x * q) / det, offset = (q * xq - qq * x) / det;
      if (offset >= 0 && scale > 0) return {static_cast<float>(scale), static_cast<float>(offset)};
    }
    return {qq > 0 ? static_cast<float>(std::max(xq / qq, 0.0)) : 0.0f, 0};
  }
};

inline float fit_weight(float x, float rms) { return rms + std::fabs(x); }
inline double importance_of(const float* importance, std::size_t i) {
  return importance ? static_cast<double>(importance[i]) : 1;
}

inline float root_mean_square(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return static_cast<float>(std::sqrt(sum / static_cast<double>(x.size())));
}

// `importance`: by how much more each value weighs than its size says; null: no more.
inline Line fit_line(std::span<const float> x, int top, const float* importance) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const float least = std::min(*low, 0.0f), rms = root_mean_square(x);
  if (*high <= least) return {0, -least};
  Line best{(*high - least) / static_cast<float>(top), -least};
  double best_error = -1;
  for (int step = -8; step <= 8; ++step) {
    const float inverse = inverse_of((*high - least) / (static_cast<float>(top) + 0.125f * static_cast<float>(step)));
    LineSums sums;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float v = x[i];
      const double w = importance_of(importance, i) * static_cast<double>(fit_weight(v, rms));
      const double value = static_cast<double>(v), q = nearest((v - least) * inverse, 0, top);
      sums.w += w, sums.q += w * q, sums.qq += w * q * q;
      sums.x += w * value, sums.xq += w * value * q, sums.xx += w * value * value;
    }
    const Line line = sums.best();
    const double error = sums.error(line);
    if (best_error < 0 || error < best_error) best = line, best_error = error;
  }
  return best;
}

// x ~ scale * table[q], of least weighted error; `largest` is the magnitude of the table's largest entry, and
// value_of(v) the entry nearest to v.
template <class ValueOf>
float fit_scale(std::span<const float> x, float largest, const float* importance, ValueOf&& value_of) {
  const float extreme =
      *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (extreme == 0) return 0;
  const float rms = root_mean_square(x);
  double best = 0, best_gain = 0;
  for (int step = -9; step <= 9; ++step) {
    for (const float sign : {1.0f, -1.0f}) {  // an asymmetric table may fit better upside down
      const float inverse = sign * (largest + 0.1f * static_cast<float>(step)) / extreme;
      double xq = 0, qq = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float v = x[i];
        const double w = importance_of(importance, i) * static_cast<double>(fit_weight(v, rms));
        const double q = static_cast<double>(value_of(v * inverse));
        xq += w * static_cast<double>(v) * q;
        qq += w * q * q;
      }
      if (qq > 0 && xq * xq / qq > best_gain) best = xq / qq, best_gain = xq * xq / qq;
    }
  }
  return static_cast<float>(best);
}

// The whole numbers 0 .. 63 that, times a common factor, come nearest to `values` (none negative); returns the factor.
inline float share_factor(std::span<const float> values, int top, int* out, std::byte* factor) {
  const float largest = *std::max_element(values.begin(), values.end());
  const float stored = put_f16(factor, largest / static_cast<float>(top));
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = nearest(values[i] * inverse_of(stored), 0, top);
  return stored;
}

}  // namespace continuo
