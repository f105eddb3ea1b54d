// Arithmetic from registers alone: the most that a target's instructions can do, for a share of which kernels reach.
#if defined(CONTINUO_SIMD_PEAK_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_PEAK_INL_H
#undef CONTINUO_SIMD_PEAK_INL_H
#else
#define CONTINUO_SIMD_PEAK_INL_H
#endif

#include "kernels/simd/common-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// Sums that hide the latency of two multiply-adds a cycle, in half of the smallest register file.
inline constexpr std::size_t kPeakSums = HWY_MAX_BYTES >= 64 ? 16 : 10;

// Keeps the compiler from knowing v, and from dropping what made it.
template <class T>
HWY_INLINE void Forget(T& v) {
#if HWY_ARCH_X86
  asm volatile("" : "+x"(v.raw));
#else
  asm volatile("" : "+w"(v.raw));
#endif
}

// Returns the operations done: two for each multiply-add.
inline std::size_t PeakFma(std::size_t rounds) {
  V sums[kPeakSums], a = hn::Set(d, 0.5f), b = hn::Set(d, 1.0f);
  for (V& sum : sums) sum = hn::Zero(d);
  Forget(a);
  Forget(b);
  for (std::size_t i = 0; i < rounds; ++i) {
    CONTINUO_UNROLL
    for (V& sum : sums) sum = hn::MulAdd(a, b, sum);
  }
  for (V& sum : sums) Forget(sum);
  return rounds * kPeakSums * kLanes * 2;
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
