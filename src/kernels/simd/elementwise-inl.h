// Norms, activations, sums, rotation: one pass over a row.
#if defined(CONTINUO_SIMD_ELEMENTWISE_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_ELEMENTWISE_INL_H
#undef CONTINUO_SIMD_ELEMENTWISE_INL_H
#else
#define CONTINUO_SIMD_ELEMENTWISE_INL_H
#endif

#include <cmath>
#include <cstring>

#include "kernels/simd/common-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// kLanes floats from p on; those at or past `left` are 0, and not read.
HWY_INLINE V LoadSome(const float* p, std::size_t left) {
  if (left >= kLanes) return hn::LoadU(d, p);
#if HWY_ARCH_X86 && HWY_MAX_BYTES >= 64
  return V{_mm512_maskz_loadu_ps(hn::FirstN(d, left).raw, p)};
#elif HWY_ARCH_X86 && HWY_MAX_BYTES == 32
  return V{_mm256_maskload_ps(p, _mm256_castps_si256(hn::FirstN(d, left).raw))};
#endif
  float padded[kLanes] = {};
  std::memcpy(padded, p, left * sizeof(float));
  return hn::LoadU(d, padded);
}

HWY_INLINE void StoreSome(V v, float* p, std::size_t left) {
  if (left >= kLanes) return hn::StoreU(v, d, p);
#if HWY_ARCH_X86 && HWY_MAX_BYTES >= 64
  return _mm512_mask_storeu_ps(p, hn::FirstN(d, left).raw, v.raw);
#endif
  float padded[kLanes];
  hn::StoreU(v, d, padded);
  std::memcpy(p, padded, left * sizeof(float));
}

HWY_INLINE std::size_t Left(std::size_t n, std::size_t i) { return i < n ? n - i : 0; }

// sum16 of x; with kSquares of (x - shift)^2.
template <bool kSquares>
HWY_INLINE float Sum16(const float* x, float shift, std::size_t n) {
  V sums[kGroup];
  for (std::size_t g = 0; g < kGroup; ++g) sums[g] = hn::Zero(d);
  for (std::size_t i = 0; i < n; i += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      const std::size_t at = i + g * kLanes, left = Left(n, at);
      if (left == 0) continue;
      if constexpr (kSquares) {
        // Elements that are missing must count as 0 after the shift.
        V x_shifted = hn::Sub(LoadSome(x + at, left), hn::Set(d, shift));
        if (left < kLanes) x_shifted = hn::IfThenElseZero(hn::FirstN(d, left), x_shifted);
        sums[g] = hn::MulAdd(x_shifted, x_shifted, sums[g]);
      } else {
        sums[g] = hn::Add(sums[g], LoadSome(x + at, left));
      }
    }
  }
  return Reduce16(sums);
}

inline void RmsNorm(const float* x, const float* weight, float eps, float* out, std::size_t n) {
  const float mean_square = Sum16<true>(x, 0.0f, n) / static_cast<float>(n);
  const V inverse = hn::Set(d, 1.0f / std::sqrt(mean_square + eps));
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    StoreSome(hn::Mul(hn::Mul(LoadSome(x + i, left), inverse), LoadSome(weight + i, left)), out + i, left);
  }
}

inline void LayerNorm(const float* x, const float* weight, const float* bias, float eps, float* out, std::size_t n) {
  const float mean = Sum16<false>(x, 0.0f, n) / static_cast<float>(n);
  const float variance = Sum16<true>(x, mean, n) / static_cast<float>(n);
  const V inverse = hn::Set(d, 1.0f / std::sqrt(variance + eps));
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    const V normal = hn::Mul(hn::Sub(LoadSome(x + i, left), hn::Set(d, mean)), inverse);
    const V w = LoadSome(weight + i, left);
    StoreSome(bias ? hn::MulAdd(normal, w, LoadSome(bias + i, left)) : hn::Mul(normal, w), out + i, left);
  }
}

template <V (*kFunction)(V)>
void Activate(float* x, const float* up, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    V y = kFunction(LoadSome(x + i, left));
    if (up) y = hn::Mul(y, LoadSome(up + i, left));
    StoreSome(y, x + i, left);
  }
}

inline void Rope(float* x, const float* cos, const float* sin, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    const V a = LoadSome(x + i, left), b = LoadSome(x + i + n, left);
    const V c = LoadSome(cos + i, left), s = LoadSome(sin + i, left);
    StoreSome(hn::MulSub(a, c, hn::Mul(b, s)), x + i, left);
    StoreSome(hn::MulAdd(b, c, hn::Mul(a, s)), x + i + n, left);
  }
}

inline void RopeInterleaved(float* x, const float* cos, const float* sin, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    float padded[2 * kLanes] = {};
    float* const pairs = left >= kLanes ? x + 2 * i : padded;
    if (pairs == padded) std::memcpy(padded, x + 2 * i, 2 * left * sizeof(float));
    V a, b;
    hn::LoadInterleaved2(d, pairs, a, b);
    const V c = LoadSome(cos + i, left), s = LoadSome(sin + i, left);
    hn::StoreInterleaved2(hn::MulSub(a, c, hn::Mul(b, s)), hn::MulAdd(b, c, hn::Mul(a, s)), d, pairs);
    if (pairs == padded) std::memcpy(x + 2 * i, padded, 2 * left * sizeof(float));
  }
}

inline void AddScaled(float* x, const float* y, float scale, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    StoreSome(hn::Add(LoadSome(x + i, left), hn::Mul(hn::Set(d, scale), LoadSome(y + i, left))), x + i, left);
  }
}

inline void SoftCap(float* x, float cap, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t left = n - i;
    StoreSome(Capped(LoadSome(x + i, left), hn::Set(d, cap)), x + i, left);
  }
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
