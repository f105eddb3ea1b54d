#include "kernels/exp_values.h"

#include <algorithm>

#include "base/compiler.h"
#include "kernels/reference_math.h"

namespace continuo {

namespace {

#if defined(__x86_64__) && defined(__GNUC__)
#define CONTINUO_WITH_FMA __attribute__((target("avx2,fma")))
#endif

// Values that are computed side by side. Each step is a loop of this constant length, which compilers turn into
// vectors.
constexpr std::size_t kRun = 16;
using Run = float[kRun];

// math::exp, step by step.
CONTINUO_INLINE void exp_run(Run& x) {
  Run n, r, p;
  for (std::size_t k = 0; k < kRun; ++k) x[k] = std::min(std::max(math::kExpMin, x[k]), math::kExpMax);
  for (std::size_t k = 0; k < kRun; ++k) n[k] = std::nearbyint(x[k] * math::kLog2E);
  for (std::size_t k = 0; k < kRun; ++k) r[k] = std::fma(-n[k], math::kLn2Low, std::fma(-n[k], math::kLn2High, x[k]));
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(math::kExpPoly[4], r[k], math::kExpPoly[3]);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], r[k], math::kExpPoly[2]);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], r[k], math::kExpPoly[1]);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], r[k], math::kExpPoly[0]);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], r[k] * r[k], r[k]) + 1.0f;
  for (std::size_t k = 0; k < kRun; ++k)
    x[k] = p[k] * std::bit_cast<float>((static_cast<std::int32_t>(n[k]) + 127) << 23);
}

// ln(1 + u) = 2 atanh(s), s = u / (2 + u), by the series s + s^3/3 + s^5/5 + ...; 0 <= u <= 1, hence s <= 1/3.
CONTINUO_INLINE void log1p_run(Run& u) {
  Run s, z, p;
  for (std::size_t k = 0; k < kRun; ++k) s[k] = u[k] / (2.0f + u[k]);
  for (std::size_t k = 0; k < kRun; ++k) z[k] = s[k] * s[k];
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(1 / 15.0f, z[k], 1 / 13.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1 / 11.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1 / 9.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1 / 7.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1 / 5.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1 / 3.0f);
  for (std::size_t k = 0; k < kRun; ++k) p[k] = std::fma(p[k], z[k], 1.0f);
  for (std::size_t k = 0; k < kRun; ++k) u[k] = 2.0f * s[k] * p[k];
}

struct Exp {
  CONTINUO_INLINE static void run(Run& x) { exp_run(x); }
};
// max(x, 0) + ln(1 + e^-|x|)
struct Softplus {
  CONTINUO_INLINE static void run(Run& x) {
    Run u;
    for (std::size_t k = 0; k < kRun; ++k) u[k] = -std::fabs(x[k]);
    exp_run(u);
    log1p_run(u);
    for (std::size_t k = 0; k < kRun; ++k) x[k] = std::max(x[k], 0.0f) + u[k];
  }
};

template <class Function>
CONTINUO_INLINE void apply(float* x, std::size_t n) {
  Run run;
  for (std::size_t i = 0; i < n; i += kRun) {
    const std::size_t count = std::min(kRun, n - i);
    std::fill(std::copy_n(x + i, count, run), run + kRun, 0.0f);
    Function::run(run);
    std::copy_n(run, count, x + i);
  }
}

template <class Function>
void apply_plainly(float* x, std::size_t n) {
  apply<Function>(x, n);
}

#ifdef CONTINUO_WITH_FMA
template <class Function>
CONTINUO_WITH_FMA void apply_with_fma(float* x, std::size_t n) {
  apply<Function>(x, n);
}
#endif

template <class Function>
void apply_fastest(float* x, std::size_t n) {
#ifdef CONTINUO_WITH_FMA
  static const bool has_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_fma) return apply_with_fma<Function>(x, n);
#endif
  apply_plainly<Function>(x, n);
}

}  // namespace

void exp_values(float* x, std::size_t n) { apply_fastest<Exp>(x, n); }
void softplus_values(float* x, std::size_t n) { apply_fastest<Softplus>(x, n); }

}  // namespace continuo
