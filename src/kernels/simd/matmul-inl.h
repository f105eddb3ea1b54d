// Matrix products: tiles of rows x tokens whose sixteen partial sums stay in registers.
#if defined(CONTINUO_SIMD_MATMUL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CONTINUO_SIMD_MATMUL_INL_H
#undef CONTINUO_SIMD_MATMUL_INL_H
#else
#define CONTINUO_SIMD_MATMUL_INL_H
#endif

#include "kernels/simd/common-inl.h"
#include "quant/format.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// Load(p, i): kLanes stored values from index i on, as floats.
struct LoadF32 {
  static constexpr Format kFormat = Format::f32;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    return hn::LoadU(d, reinterpret_cast<const float*>(p) + i);
  }
};
struct LoadF16 {
  static constexpr Format kFormat = Format::f16;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    const hn::Rebind<hwy::float16_t, D> d16;
    return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p) + i));
  }
};
struct LoadBF16 {
  static constexpr Format kFormat = Format::bf16;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::Rebind<std::uint32_t, D> d32;
    const auto bits = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(p) + i);
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
  }
};

// The largest tile whose sums, weights and inputs fit the register file.
#if HWY_MAX_BYTES >= 64
inline constexpr std::size_t kTileRows = 4, kTileTokens = 6;
#elif HWY_MAX_BYTES == 32
inline constexpr std::size_t kTileRows = 3, kTileTokens = 2;
#else
inline constexpr std::size_t kTileRows = 1, kTileTokens = 2;
#endif
// With one token nothing is shared but the input: more rows only hide latency and read more streams at once.
inline constexpr std::size_t kVectorRows = HWY_MAX_BYTES >= 32 ? 4 : 2;

struct MatMulArgs {
  const std::byte* w;
  std::size_t w_stride, k;
  const float* x;
  std::size_t x_stride;
  float* y;
  std::size_t y_stride;
};

// The last k % 16 elements, the rest of the group filled with zeros.
template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_INLINE void TileTail(const MatMulArgs& a, std::size_t done, V (&sums)[kRows][kTokens][kGroup]) {
  const std::size_t left = a.k - done;
  float w[kRows][16] = {};
  float x[kTokens][16] = {};
  for (std::size_t r = 0; r < kRows; ++r) {
    format_info(Loader::kFormat).to_float(a.w + r * a.w_stride + stored_bytes(Loader::kFormat, done), w[r], left);
  }
  for (std::size_t t = 0; t < kTokens; ++t) {
    for (std::size_t i = 0; i < left; ++i) x[t][i] = a.x[t * a.x_stride + done + i];
  }
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) {
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) {
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) {
        sums[r][t][g] = hn::MulAdd(hn::LoadU(d, w[r] + g * kLanes), hn::LoadU(d, x[t] + g * kLanes), sums[r][t][g]);
      }
    }
  }
}

template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_INLINE void Tile(const MatMulArgs& a) {
  V sums[kRows][kTokens][kGroup];
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) {
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) {
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) sums[r][t][g] = hn::Zero(d);
    }
  }
  std::size_t i = 0;
  for (; i + 16 <= a.k; i += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      V w[kRows];
      CONTINUO_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) w[r] = Loader::Load(a.w + r * a.w_stride, i + g * kLanes);
      CONTINUO_UNROLL
      for (std::size_t t = 0; t < kTokens; ++t) {
        const V x = hn::LoadU(d, a.x + t * a.x_stride + i + g * kLanes);
        CONTINUO_UNROLL
        for (std::size_t r = 0; r < kRows; ++r) sums[r][t][g] = hn::MulAdd(w[r], x, sums[r][t][g]);
      }
    }
  }
  if (i < a.k) TileTail<Loader>(a, i, sums);
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) {
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) a.y[t * a.y_stride + r] = Reduce16(sums[r][t]);
  }
}

template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_NOINLINE void TileRows(MatMulArgs a, std::size_t rows) {
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows, a.w += kRows * a.w_stride, a.y += kRows) Tile<Loader, kRows, kTokens>(a);
  for (; r < rows; ++r, a.w += a.w_stride, ++a.y) Tile<Loader, 1, kTokens>(a);
}

// The tokens that are left over after whole tiles: fewer than kTokens.
template <class Loader, std::size_t kTokens>
HWY_INLINE void LeftTokens(const MatMulArgs& a, std::size_t rows, std::size_t tokens) {
  if constexpr (kTokens == 1) {
    TileRows<Loader, kVectorRows, 1>(a, rows);
  } else if (tokens == kTokens) {
    TileRows<Loader, kTileRows, kTokens>(a, rows);
  } else {
    LeftTokens<Loader, kTokens - 1>(a, rows, tokens);
  }
}

template <class Loader>
void MatMul(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
            std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride) {
  MatMulArgs a{w, w_stride, k, x, x_stride, y, y_stride};
  // Tokens outside, rows inside: a tile's inputs stay in the first-level cache while the rows pass by.
  for (; tokens >= kTileTokens; tokens -= kTileTokens) {
    TileRows<Loader, kTileRows, kTileTokens>(a, rows);
    a.x += kTileTokens * x_stride;
    a.y += kTileTokens * y_stride;
  }
  if (tokens > 0) LeftTokens<Loader, kTileTokens>(a, rows, tokens);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
