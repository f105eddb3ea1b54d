// exp and log with one fixed sequence of IEEE double operations, so that a draw has the same bits on every
// machine, whatever its C library. (Compiled without contraction into fused multiply-add; see
// CMakeLists.txt.) Both are within two units in the last place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace continuo {

// e^x. Above the largest finite result: infinity; below the smallest: 0; NaN for NaN.
double exact_exp(double x);
// The same bits for many values, none above 0 (and none NaN), in place and much faster.
void exact_exp_all(std::span<double> values);
// Exponents, none above 0, in buckets: equal ones in the same, smaller ones in the same or a later one.
inline constexpr std::int32_t kExponentBuckets = 2048;
inline constexpr double kBucketsPerNat = 64;
inline std::int32_t exponent_bucket(double exponent) {
  return static_cast<std::int32_t>(std::min(-kBucketsPerNat * exponent, kExponentBuckets - 1.0));
}
// The same bits for (scores[i] - largest) / temperature, none above 0: the exponents' buckets, and e to the
// power of them: `powers`. Scores that are not finite: the last bucket, and 0.
void exact_exp_scores(std::span<const float> scores, double largest, double temperature, std::int32_t* buckets,
                      double* powers);
// ln x for x > 0, subnormals and infinity included; -infinity for 0; NaN for NaN and for x < 0.
double exact_log(double x);

}  // namespace continuo
