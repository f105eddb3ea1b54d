// Compiled once for each target (see ../simd.cpp): vectors in groups of sixteen floats, and the shared functions.
#if defined(CONTINUO_SIMD_COMMON_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_COMMON_INL_H
#undef CONTINUO_SIMD_COMMON_INL_H
#else
#define CONTINUO_SIMD_COMMON_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "base/compiler.h"
#include "kernels/fetching.h"
#include "kernels/reference_math.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr D d;
inline constexpr std::size_t kLanes = HWY_MIN(HWY_LANES(float), 16);
inline constexpr std::size_t kGroup = 16 / kLanes;  // vectors that make sixteen lanes

struct AddLanes {
  template <class T>
  HWY_INLINE T operator()(T a, T b) const {
    return hn::Add(a, b);
  }
};
struct MaxLanes {
  template <class T>
  HWY_INLINE T operator()(T a, T b) const {
    return hn::Max(a, b);
  }
};

using D4 = hn::CappedTag<float, 4>;
using V4 = hn::Vec<D4>;
inline constexpr D4 d4;

// kernel_table.h: lanes i and i + 8, i and i + 4,
template <class Combine>
HWY_INLINE V4 Reduce16To4(const V (&s)[kGroup], Combine combine) {
#if HWY_MAX_BYTES >= 64
  const hn::Half<D> d8;
  const auto v8 = combine(hn::LowerHalf(d8, s[0]), hn::UpperHalf(d8, s[0]));
  return combine(hn::LowerHalf(d4, v8), hn::UpperHalf(d4, v8));
#elif HWY_MAX_BYTES == 32
  const auto v8 = combine(s[0], s[1]);
  return combine(hn::LowerHalf(d4, v8), hn::UpperHalf(d4, v8));
#else
  return combine(combine(s[0], s[2]), combine(s[1], s[3]));
#endif
}
// ... i and i + 2, i and i + 1.
template <class Combine = AddLanes>
HWY_INLINE float Reduce16(const V (&s)[kGroup], Combine combine = {}) {
  const V4 v4 = Reduce16To4(s, combine);
  const V4 v2 = combine(v4, hn::Shuffle1032(v4));
  return hn::GetLane(combine(v2, hn::Shuffle2301(v2)));
}

// Lane i: Reduce16 of v[i], all four at once.
template <class Combine = AddLanes>
HWY_INLINE V4 Reduce16Of4(const V (&v)[4][kGroup], Combine combine = {}) {
#if HWY_TARGET == HWY_AVX3
  const auto halves = [&](const V& x, const V& y) HWY_ATTR {
    return combine(V{_mm512_shuffle_f32x4(x.raw, y.raw, 0x44)}, V{_mm512_shuffle_f32x4(x.raw, y.raw, 0xee)});
  };
  const V ab = halves(v[0][0], v[1][0]), ce = halves(v[2][0], v[3][0]);
  const V v4 = combine(V{_mm512_shuffle_f32x4(ab.raw, ce.raw, 0x88)}, V{_mm512_shuffle_f32x4(ab.raw, ce.raw, 0xdd)});
  const V v2 = combine(v4, V{_mm512_permute_ps(v4.raw, 0x4e)});
  const V v1 = combine(v2, V{_mm512_permute_ps(v2.raw, 0xb1)});
  return V4{_mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, v1.raw))};
#else
  const V4 a = Reduce16To4(v[0], combine), b = Reduce16To4(v[1], combine), c = Reduce16To4(v[2], combine),
           e = Reduce16To4(v[3], combine);
  const V4 ab = combine(hn::ConcatLowerLower(d4, b, a), hn::ConcatUpperUpper(d4, b, a));
  const V4 ce = combine(hn::ConcatLowerLower(d4, e, c), hn::ConcatUpperUpper(d4, e, c));
  return combine(hn::ConcatEven(d4, ce, ab), hn::ConcatOdd(d4, ce, ab));
#endif
}

// Keeps the compiler from reading v from memory again wherever it is used: what several multiply-adds share must be
// loaded once, or loads are what limits them.
template <class T>
HWY_INLINE void KeepInRegister(T& v) {
#if HWY_MAX_BYTES >= 64
  asm("" : "+v"(v.raw));
#elif HWY_ARCH_X86
  asm("" : "+x"(v.raw));
#endif
}

// Brings a line into the second-level cache.
HWY_INLINE void FetchFar(const std::byte* p) { __builtin_prefetch(p, 0, 2); }

// Memory that is brought to a cache while something else is computed: the second-level one, or nearer where
// the processor likes that (fetching.h). Evenly, because a burst would fill the processor's queue of misses,
// and what is computed would wait behind it.
class Fetch {
 public:
  // `bytes` from where it is told, during `steps` steps.
  Fetch(std::size_t bytes, std::size_t steps)
      : bytes_(bytes), rate_((bytes / 64 * kOne + steps - 1) / steps), passing_by_(streams_by_itself()) {}
  void From(const std::byte* begin) { next_ = begin, end_ = begin + bytes_; }
  // How many lines so many steps at once bring.
  HWY_INLINE std::size_t Lines(std::size_t steps) const { return (rate_ * steps + kOne - 1) / kOne; }
  HWY_INLINE void Step(std::size_t lines) {
    for (; lines > 0 && next_ < end_; --lines, next_ += 64) {
      if (passing_by_) {
        __builtin_prefetch(next_, 0, 0);
      } else {
        FetchFar(next_);
      }
    }
  }

 private:
  static constexpr std::size_t kOne = 64;
  const std::byte *next_ = nullptr, *end_ = nullptr;
  std::size_t bytes_, rate_;  // lines a step, times kOne
  bool passing_by_;           // the second-level cache
};

HWY_INLINE V Exp(V x) {
  x = hn::Min(hn::Max(x, hn::Set(d, math::kExpMin)), hn::Set(d, math::kExpMax));
  const V n = hn::Round(hn::Mul(x, hn::Set(d, math::kLog2E)));
  const V r = hn::NegMulAdd(n, hn::Set(d, math::kLn2Low), hn::NegMulAdd(n, hn::Set(d, math::kLn2High), x));
  V p = hn::Set(d, math::kExpPoly[4]);
  CONTINUO_UNROLL
  for (int i = 3; i >= 0; --i) p = hn::MulAdd(p, r, hn::Set(d, math::kExpPoly[i]));
  const V mantissa = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
#if HWY_TARGET == HWY_AVX3
  return V{_mm512_scalef_ps(mantissa.raw, n.raw)};
#else
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::Mul(mantissa, hn::BitCast(d, exponent));
#endif
}

HWY_INLINE V Tanh(V x) {
  const V size = hn::Abs(x), one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f);
  const V z = hn::Mul(x, x);
  V p = hn::Set(d, math::kTanhPoly[4]);
  CONTINUO_UNROLL
  for (int i = 3; i >= 0; --i) p = hn::MulAdd(p, z, hn::Set(d, math::kTanhPoly[i]));
  const V small = hn::MulAdd(p, hn::Mul(z, x), x);
  const V large = hn::Sub(one, hn::Div(two, hn::Add(Exp(hn::Mul(two, size)), one)));
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, math::kTanhSmall)), small, hn::CopySign(large, x));
}

HWY_INLINE V Capped(V x, V cap) { return hn::Mul(cap, Tanh(hn::Div(x, cap))); }

HWY_INLINE V Silu(V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(x, hn::Add(one, Exp(hn::Neg(x))));
}

HWY_INLINE V Sigmoid(V x) { return hn::Div(hn::Set(d, 1.0f), hn::Add(hn::Set(d, 1.0f), Exp(hn::Neg(x)))); }

HWY_INLINE V GeluTanh(V x) {
  const V cubic = hn::Mul(hn::Mul(hn::Set(d, math::kGeluCubic), x), x);
  const V u = hn::Mul(hn::MulAdd(cubic, x, x), hn::Set(d, math::kGeluScale));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(hn::Mul(hn::Set(d, -2.0f), u))));
}

HWY_INLINE V GeluErf(V x) {
  const V z = hn::Mul(hn::Abs(x), hn::Set(d, math::kSqrtHalf));
  const V t = hn::Div(hn::Set(d, 1.0f), hn::MulAdd(z, hn::Set(d, 0.5f), hn::Set(d, 1.0f)));
  V c = hn::Set(d, math::kErfcPoly[8]);
  CONTINUO_UNROLL
  for (int i = 7; i >= 0; --i) c = hn::MulAdd(c, t, hn::Set(d, math::kErfcPoly[i]));
  const V half_tail = hn::Mul(hn::Set(d, 0.5f), hn::Mul(c, Exp(hn::Neg(hn::Mul(z, z)))));
  const V product = hn::Mul(x, half_tail);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), product, hn::Sub(x, product));
}

HWY_INLINE V GeluQuick(V x) {
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(hn::Mul(hn::Set(d, -math::kGeluQuick), x))));
}

HWY_INLINE V Relu(V x) { return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Zero(d)); }
HWY_INLINE V ReluSquared(V x) { return hn::Mul(Relu(x), Relu(x)); }

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
