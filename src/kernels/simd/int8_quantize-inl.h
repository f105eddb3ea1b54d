// Rounding activations to 8 bits: see ../int8.h for the formula and for how they lie in memory.
#if defined(CONTINUO_SIMD_INT8_QUANTIZE_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_QUANTIZE_INL_H
#undef CONTINUO_SIMD_INT8_QUANTIZE_INL_H
#else
#define CONTINUO_SIMD_INT8_QUANTIZE_INL_H
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/int8.h"
#include "kernels/simd/common-inl.h"
#include "kernels/simd/int8_unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// The nearest whole number of a value that an int holds: hn::NearestInt would care for those that it does
// not.
HWY_INLINE I Nearest(V v) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES >= 64
  return I{_mm512_cvtps_epi32(v.raw)};
#elif HWY_ARCH_X86 && HWY_MAX_BYTES == 32
  return I{_mm256_cvtps_epi32(v.raw)};
#elif HWY_ARCH_X86
  return I{_mm_cvtps_epi32(v.raw)};
#else
  return hn::NearestInt(v);
#endif
}

// `Combine` for whole numbers in the lanes of float vectors, for the reductions that are written for those.
template <class Combine>
struct OnInts {
  template <class T>
  HWY_INLINE T operator()(T a, T b) const {
    const hn::DFromV<T> df;
    const hn::RebindToSigned<decltype(df)> dn;
    return hn::BitCast(df, Combine()(hn::BitCast(dn, a), hn::BitCast(dn, b)));
  }
};
using AddInts = OnInts<AddLanes>;
using MaxInts = OnInts<MaxLanes>;

// Blocks of a token that are rounded together: their divisions fill a vector.
inline constexpr std::size_t kBlocksTogether = 16;
struct Int8Scales {
  HWY_ALIGN float scale[kBlocksTogether];
  HWY_ALIGN float inverse[kBlocksTogether];
  bool finite = true;
};

// kLanes numbers from their quarters, halves, or whole.
HWY_INLINE V Join(const V4* parts) {
#if HWY_MAX_BYTES >= 64
  const hn::Half<D> d8;
  return hn::Combine(d, hn::Combine(d8, parts[3], parts[2]), hn::Combine(d8, parts[1], parts[0]));
#elif HWY_MAX_BYTES == 32
  return hn::Combine(d, parts[1], parts[0]);
#else
  return parts[0];
#endif
}

// Of n <= kBlocksTogether blocks. Magnitudes stay in registers: a vector that was stored in parts is read back only
// when all stores before it are done, and those of the token before may have missed every cache.
HWY_INLINE void ScalesOf(const float* x, std::size_t n, Int8Scales& out) {
  V4 magnitudes[kBlocksTogether / 4];
  CONTINUO_UNROLL
  for (std::size_t b = 0; b < kBlocksTogether; b += 4) {
    if (b >= n) {
      magnitudes[b / 4] = hn::Zero(d4);
      continue;
    }
    V largest[4][kGroup];  // as bits, which order magnitudes and put NaN last
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i) {
      const float* const block = x + std::min(b + i, n - 1) * kInt8Block;
      CONTINUO_UNROLL
      for (std::size_t v = 0; v < kGroup; ++v) {
        largest[i][v] =
            MaxInts()(hn::Abs(hn::LoadU(d, block + v * kLanes)), hn::Abs(hn::LoadU(d, block + 16 + v * kLanes)));
      }
    }
    magnitudes[b / 4] = Reduce16Of4(largest, MaxInts());
  }
  CONTINUO_UNROLL
  for (std::size_t b = 0; b < kBlocksTogether; b += kLanes) {
    const V magnitude = Join(magnitudes + b / 4), limit = hn::Set(d, 127.0f);
    const auto finite = hn::Le(magnitude, hn::Set(d, std::numeric_limits<float>::max()));
    const auto usable = hn::And(finite, hn::Ge(magnitude, hn::Set(d, kInt8Tiny)));
    const V scale = hn::IfThenElseZero(usable, hn::Div(magnitude, limit));
    hn::Store(hn::IfThenElse(finite, scale, hn::Set(d, std::numeric_limits<float>::quiet_NaN())), d, out.scale + b);
    hn::Store(hn::IfThenElseZero(usable, hn::Div(limit, magnitude)), d, out.inverse + b);
    out.finite = out.finite && hn::AllTrue(d, finite);
  }
}

// The rounded values of a block, and their sums, of each half one.
HWY_INLINE void RoundBlock(const float* x, float inverse, std::int8_t* values, V (&low)[kGroup], V (&high)[kGroup]) {
  const hn::Rebind<std::int8_t, D> d8;
  const V factor = hn::Set(d, inverse);
  CONTINUO_UNROLL
  for (std::size_t v = 0; v < 2 * kGroup; ++v) {
    const I q = Nearest(hn::Mul(hn::LoadU(d, x + v * kLanes), factor));
    hn::StoreU(hn::DemoteTo(d8, q), d8, values + v * kLanes);
    (v < kGroup ? low[v] : high[v - kGroup]) = hn::BitCast(d, q);
  }
}

// n blocks of token t of a tile of `tokens`; `out` is the first one's beginning.
HWY_INLINE void QuantizeBlocks(const float* x, std::size_t n, std::byte* out, std::size_t t, std::size_t tokens) {
  Int8Scales scales;
  ScalesOf(x, n, scales);
  const std::size_t block = kInt8BlockBytes * tokens;
  auto* const values = reinterpret_cast<std::int8_t*>(out) + t * kInt8Block;
  float sums[2 * kBlocksTogether];
  for (std::size_t b = 0; b < n; b += 2) {
    const std::size_t second = std::min(b + 1, n - 1);
    V halves[4][kGroup];
    RoundBlock(x + b * kInt8Block, scales.inverse[b], values + b * block, halves[0], halves[1]);
    RoundBlock(x + second * kInt8Block, scales.inverse[second], values + second * block, halves[2], halves[3]);
    hn::StoreU(Reduce16Of4(halves, AddInts()), d4, sums + 2 * b);
  }
  auto* parts = reinterpret_cast<std::int32_t*>(out + kInt8Block * tokens) + t;
  for (std::size_t b = 0; b < n; ++b, parts += block / 4) {
    auto low = std::bit_cast<std::int32_t>(sums[2 * b]), high = std::bit_cast<std::int32_t>(sums[2 * b + 1]);
    // Infinity times 0 is not a number, which rounds to something.
    if (!scales.finite && std::isnan(scales.scale[b])) {
      std::fill_n(values + b * block, kInt8Block, std::int8_t{0});
      low = high = 0;
    }
    const float scale = scales.scale[b];
    parts[kInt8Scale * tokens] = std::bit_cast<std::int32_t>(scale);
    parts[kInt8WeightedSum * tokens] = std::bit_cast<std::int32_t>(scale * static_cast<float>(low + high));
    parts[kInt8Offset * tokens] = -128 * (low + high);
    parts[kInt8OffsetHigh * tokens] = -128 * high;
  }
}

inline void QuantizeInt8(const float* x, std::size_t n, std::size_t t, std::size_t tokens, std::byte* out) {
  const std::size_t blocks = n / kInt8Block;
  for (std::size_t b = 0; b < blocks; b += kBlocksTogether) {
    QuantizeBlocks(x + b * kInt8Block, std::min(kBlocksTogether, blocks - b), out + b * kInt8BlockBytes * tokens, t,
                   tokens);
  }
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
