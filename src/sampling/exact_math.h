// exp and log with one fixed sequence of IEEE double operations, so that a draw has the same bits on every
// machine, whatever its C library. (Compiled without contraction into fused multiply-add; see
// CMakeLists.txt.) Both are within two units in the last place.
#pragma once

#include <span>

namespace continuo {

// e^x. Above the largest finite result: infinity; below the smallest: 0; NaN for NaN.
double exact_exp(double x);
// The same bits for many values, none above 0 (and none NaN), in place and much faster.
void exact_exp_all(std::span<double> values);
// The same bits for (scores[i] - largest) / temperature, none above 0: `exponents`, and e to the power of them: `powers`.
// Scores that are not finite: -10^4, and 0.
void exact_exp_scores(std::span<const float> scores, double largest, double temperature, double* exponents, double* powers);
// ln x for x > 0, subnormals and infinity included; -infinity for 0; NaN for NaN and for x < 0.
double exact_log(double x);

}  // namespace continuo
