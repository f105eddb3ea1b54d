#include "sampling/exact_math.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>

#include "base/compiler.h"

namespace continuo {

namespace {

// ln 2 = kLn2High + kLn2Low; the high part has 32 significant bits, so that k * kLn2High is exact for |k| <
// 2^20.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep0;
constexpr double kRounder = 0x1.8p52;  // adding and subtracting it rounds to the nearest integer

// Values side by side, in the vector registers of a processor; every width gives the same bits.
template <std::size_t kBytes>
struct Vectors {
  typedef double Values __attribute__((vector_size(kBytes)));
  typedef std::uint64_t Integers __attribute__((vector_size(kBytes)));
};

// Each x becomes e^x, for -746 <= x <= 709.8. Value and Integer: double and uint64_t, or vectors of them;
// several at once, as each step waits for the one before. By reference, and always inlined: functions for
// different processors hand over vectors in different ways.
template <class Value, class Integer, std::size_t kN>
CONTINUO_INLINE void exp_in_range(Value (&x)[kN]) {
  // x = k ln 2 + r with |r| <= ln(2)/2; e^r by its Taylor series, whose next term is below 2^-58.
  constexpr double kInverseFactorials[] = {1.0 / 479001600.0,
                                           1.0 / 39916800.0,
                                           1.0 / 3628800.0,
                                           1.0 / 362880.0,
                                           1.0 / 40320.0,
                                           1.0 / 5040.0,
                                           1.0 / 720.0,
                                           1.0 / 120.0,
                                           1.0 / 24.0,
                                           1.0 / 6.0,
                                           0.5};
  constexpr std::size_t kTerms = std::size(kInverseFactorials);
  Value rounded[kN], r[kN], series[kN];
  CONTINUO_UNROLL
  for (std::size_t n = 0; n < kN; ++n) {
    rounded[n] = x[n] * kLog2E + kRounder;
    const Value k = rounded[n] - kRounder;
    r[n] = (x[n] - k * kLn2High) - k * kLn2Low;
    series[n] = r[n] * (1.0 / 6227020800.0) + kInverseFactorials[0];
  }
  CONTINUO_UNROLL
  for (std::size_t i = 1; i < kTerms; ++i) {
    CONTINUO_UNROLL
    for (std::size_t n = 0; n < kN; ++n) series[n] = series[n] * r[n] + kInverseFactorials[i];
  }
  CONTINUO_UNROLL
  for (std::size_t n = 0; n < kN; ++n) {
    const Value value = 1.0 + (r[n] + r[n] * r[n] * series[n]);
    // k stands in the low bits of `rounded`. Two factors, because 2^k alone may leave the range of normal
    // numbers.
    const Integer exponent = __builtin_bit_cast(Integer, rounded[n]) - std::bit_cast<std::uint64_t>(kRounder);
    const Integer half = ((exponent + 2048) >> 1) - 1024;  // modulo 2^64, as all of it
    const Integer first = (half + 1023) << 52;
    const Integer second = (exponent - half + 1023) << 52;
    x[n] = value * __builtin_bit_cast(Value, first) * __builtin_bit_cast(Value, second);
  }
}

// Vectors that are taken side by side.
constexpr std::size_t kTogether = 4;

template <std::size_t kBytes>
CONTINUO_INLINE void exp_all(double* values, std::size_t n) {
  using Values = typename Vectors<kBytes>::Values;
  constexpr std::size_t kLanes = kBytes / sizeof(double);
  std::size_t i = 0;
  for (; i + kTogether * kLanes <= n; i += kTogether * kLanes) {
    Values x[kTogether];
    std::memcpy(x, values + i, sizeof x);
    CONTINUO_UNROLL
    for (Values& v : x) v = v < -746.0 ? Values{} - 746.0 : v;
    exp_in_range<Values, typename Vectors<kBytes>::Integers>(x);
    std::memcpy(values + i, x, sizeof x);
  }
  for (; i < n; ++i) values[i] = exact_exp(values[i]);
}

struct Scores {
  const float* scores;
  std::size_t n;
  double largest, temperature;
};

// x - x is 0 for finite x alone.
template <std::size_t kBytes>
CONTINUO_INLINE void exp_scores(Scores s, std::int32_t* buckets, double* powers) {
  using Values = typename Vectors<kBytes>::Values;
  constexpr std::size_t kLanes = kBytes / sizeof(double);
  typedef float Floats __attribute__((vector_size(kBytes / 2)));
  typedef std::int32_t Buckets __attribute__((vector_size(kBytes / 2)));
  constexpr double kNoWeight = -1e4;
  std::size_t i = 0;
  for (; i + kTogether * kLanes <= s.n; i += kTogether * kLanes) {
    Values x[kTogether];
    CONTINUO_UNROLL
    for (std::size_t n = 0; n < kTogether; ++n) {
      Floats f;
      std::memcpy(&f, s.scores + i + n * kLanes, sizeof f);
      const Values score = __builtin_convertvector(f, Values);
      x[n] = score - score == 0.0 ? (score - s.largest) / s.temperature : Values{} + kNoWeight;
      const Values far = x[n] * -kBucketsPerNat;
      const Buckets bucket =
          __builtin_convertvector(far < kExponentBuckets - 1.0 ? far : Values{} + (kExponentBuckets - 1.0), Buckets);
      std::memcpy(buckets + i + n * kLanes, &bucket, sizeof bucket);
      x[n] = x[n] < -746.0 ? Values{} - 746.0 : x[n];
    }
    exp_in_range<Values, typename Vectors<kBytes>::Integers>(x);
    std::memcpy(powers + i, x, sizeof x);
  }
  for (; i < s.n; ++i) {
    const double score = s.scores[i];
    const double x = score - score == 0.0 ? (score - s.largest) / s.temperature : kNoWeight;
    buckets[i] = exponent_bucket(x);
    powers[i] = exact_exp(x);
  }
}

using ExpAll = void (*)(double* values, std::size_t n);
using ExpScores = void (*)(Scores scores, std::int32_t* buckets, double* powers);

void exp_all_anywhere(double* values, std::size_t n) { exp_all<16>(values, n); }
void exp_scores_anywhere(Scores s, std::int32_t* buckets, double* powers) { exp_scores<16>(s, buckets, powers); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) void exp_all_avx2(double* values, std::size_t n) { exp_all<32>(values, n); }
__attribute__((target("avx512f"))) void exp_all_avx512(double* values, std::size_t n) { exp_all<64>(values, n); }
__attribute__((target("avx2"))) void exp_scores_avx2(Scores s, std::int32_t* buckets, double* powers) {
  exp_scores<32>(s, buckets, powers);
}
__attribute__((target("avx512f"))) void exp_scores_avx512(Scores s, std::int32_t* buckets, double* powers) {
  exp_scores<64>(s, buckets, powers);
}

ExpAll best_exp_all() {
  if (__builtin_cpu_supports("avx512f")) return exp_all_avx512;
  if (__builtin_cpu_supports("avx2")) return exp_all_avx2;
  return exp_all_anywhere;
}

ExpScores best_exp_scores() {
  if (__builtin_cpu_supports("avx512f")) return exp_scores_avx512;
  if (__builtin_cpu_supports("avx2")) return exp_scores_avx2;
  return exp_scores_anywhere;
}
#else
ExpScores best_exp_scores() { return exp_scores_anywhere; }
ExpAll best_exp_all() { return exp_all_anywhere; }
#endif

}  // namespace

double exact_exp(double x) {
  if (x != x) return x;
  if (x > 709.8) return std::numeric_limits<double>::infinity();
  double one[] = {x < -746.0 ? -746.0 : x};
  exp_in_range<double, std::uint64_t>(one);
  return one[0];
}

void exact_exp_all(std::span<double> values) {
  static const ExpAll exp_all = best_exp_all();
  exp_all(values.data(), values.size());
}

void exact_exp_scores(std::span<const float> scores, double largest, double temperature, std::int32_t* buckets,
                      double* powers) {
  static const ExpScores exp_scores = best_exp_scores();
  exp_scores({scores.data(), scores.size(), largest, temperature}, buckets, powers);
}

double exact_log(double x) {
  if (x != x || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (x == std::numeric_limits<double>::infinity()) return x;
  std::int64_t exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<std::int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);  // [1, 2)
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  // ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172: 2 (s + s^3/3 + s^5/5 + ...), cut below 2^-58.
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double series = 1.0 / 23.0;
  constexpr double kInverseOdd[] = {1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0,
                                    1.0 / 11.0, 1.0 / 9.0,  1.0 / 7.0,  1.0 / 5.0,  1.0 / 3.0};
  for (const double term : kInverseOdd) series = series * s2 + term;
  const double log_m = 2.0 * s + 2.0 * s * (s2 * series);
  const double k = static_cast<double>(exponent);
  return k * kLn2High + (log_m + k * kLn2Low);
}

}  // namespace continuo
