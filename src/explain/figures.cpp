#include "explain/figures.h"

#include <algorithm>
#include <cmath>

namespace continuo::explain {

Heatmap::Extremes Heatmap::extremes() const {
  Extremes out;
  for (const float value : values.values) {
    const double size = std::fabs(double(value));
    if (!std::isfinite(size)) continue;
    out.largest = std::max(out.largest, size);
    if (value > 0 && (out.least_positive == 0 || size < out.least_positive)) out.least_positive = size;
  }
  return out;
}

double Heatmap::shade(double value, const Extremes& extremes) const {
  constexpr double kFaintest = 0.06;  // of the least value above 0, so that it shows
  if (!std::isfinite(value) || extremes.largest == 0) return 0;
  switch (scale) {
    case Scale::root:
      return std::sqrt(std::clamp(value, 0.0, 1.0));
    case Scale::signed_root:
      return std::copysign(std::sqrt(std::fabs(value) / extremes.largest), value);
    case Scale::logarithmic: {
      if (value <= 0) return 0;
      const double range = std::log(extremes.largest / extremes.least_positive);
      return range > 0 ? kFaintest + (1 - kFaintest) * std::log(value / extremes.least_positive) / range : 1;
    }
    case Scale::plain:
    case Scale::diverging:
      break;
  }
  return value / extremes.largest;
}

}  // namespace continuo::explain
