// Matrix products: tiles of rows x tokens whose sixteen partial sums stay in registers.
#if defined(CONTINUO_SIMD_MATMUL_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_MATMUL_INL_H
#undef CONTINUO_SIMD_MATMUL_INL_H
#else
#define CONTINUO_SIMD_MATMUL_INL_H
#endif

#include <hwy/cache_control.h>

#include <algorithm>

#include "kernels/simd/common-inl.h"
#include "kernels/simd/unpack-inl.h"
#include "quant/format.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// Load(p, i): kLanes stored values from index i on, as floats.
struct LoadF32 {
  static constexpr Format kFormat = Format::f32;
  static constexpr std::size_t kBytes = 4;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    return hn::LoadU(d, reinterpret_cast<const float*>(p) + i);
  }
};
struct LoadF16 {
  static constexpr Format kFormat = Format::f16;
  static constexpr std::size_t kBytes = 2;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    const hn::Rebind<hwy::float16_t, D> d16;
    return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p) + i));
  }
};
struct LoadBF16 {
  static constexpr Format kFormat = Format::bf16;
  static constexpr std::size_t kBytes = 2;
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
// How far ahead of the multiply-adds a stream is fetched.
inline constexpr std::size_t kPrefetchBytes = 1024;

// A tile: row r of the weights at w + r * row_step, its results at y + r * y_step.
struct TileArgs {
  const std::byte* w;
  std::size_t row_step, k;
  const float* x;
  std::size_t x_stride;
  float* y;
  std::size_t y_step, y_stride;
};

// The last k % 16 elements, the rest of the group filled with zeros.
template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_INLINE void TileTail(const TileArgs& a, std::size_t done, V (&sums)[kRows][kTokens][kGroup]) {
  const std::size_t left = a.k - done;
  float w[kRows][16] = {};
  float x[kTokens][16] = {};
  for (std::size_t r = 0; r < kRows; ++r) {
    format_info(Loader::kFormat).to_float(a.w + r * a.row_step + stored_bytes(Loader::kFormat, done), w[r], left);
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

template <std::size_t kRows, std::size_t kTokens>
HWY_INLINE void StoreSums(const TileArgs& a, const V (&sums)[kRows][kTokens][kGroup]) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kRows == 4 && kTokens > 1) {  // neighbouring rows
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) {
      const V of_rows[4][kGroup] = {{sums[0][t][0]}, {sums[1][t][0]}, {sums[2][t][0]}, {sums[3][t][0]}};
      hn::StoreU(Reduce16Of4(of_rows), d4, a.y + t * a.y_stride);
    }
    return;
  }
#endif
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) {
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) a.y[t * a.y_stride + r * a.y_step] = Reduce16(sums[r][t]);
  }
}

// One token's rows are streams from memory, fetched ahead; several tokens fetch what `fetch` says.
template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_INLINE void Tile(const TileArgs& a, Fetch* fetch = nullptr) {
  [[maybe_unused]] const std::size_t lines = kTokens > 1 ? fetch->Lines(kRows * kTokens) : 0;
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
    if constexpr (kTokens > 1) fetch->Step(lines);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      V w[kRows];
      CONTINUO_UNROLL
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::byte* const row = a.w + r * a.row_step;
        if constexpr (kTokens == 1 && kRows > 1) {
          if (g == 0) hwy::Prefetch(row + i * Loader::kBytes + kPrefetchBytes);
        }
        w[r] = Loader::Load(row, i + g * kLanes);
        if constexpr (kTokens > 1) KeepInRegister(w[r]);
      }
      CONTINUO_UNROLL
      for (std::size_t t = 0; t < kTokens; ++t) {
        const V x = hn::LoadU(d, a.x + t * a.x_stride + i + g * kLanes);
        CONTINUO_UNROLL
        for (std::size_t r = 0; r < kRows; ++r) sums[r][t][g] = hn::MulAdd(w[r], x, sums[r][t][g]);
      }
    }
  }
  if (i < a.k) TileTail<Loader>(a, i, sums);
  StoreSums(a, sums);
}

// One row after the other in tiles of neighbours.
template <class Loader, std::size_t kRows, std::size_t kTokens>
HWY_NOINLINE void TileRows(TileArgs a, std::size_t rows, Fetch& fetch) {
  const std::size_t stride = a.row_step;
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows, a.w += kRows * stride, a.y += kRows) Tile<Loader, kRows, kTokens>(a, &fetch);
  for (; r < rows; ++r, a.w += stride, ++a.y) Tile<Loader, 1, kTokens>(a, &fetch);
}

// Rows stored in blocks, and one token: what a block holds goes into the sums as it is unpacked.
struct DotSink {
  const float* x;
  V (&sums)[kGroup];
  HWY_INLINE void operator()(std::size_t i, V values) const {
    V& sum = sums[i % 16 / kLanes];
    sum = hn::MulAdd(values, hn::LoadU(d, x + i), sum);
  }
};

template <class Blocks, std::size_t kRows>
HWY_INLINE void BlockRows(const TileArgs& a) {
  V sums[kRows][kGroup];
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) sums[r][g] = hn::Zero(d);
  }
  const std::byte* block = a.w;
  for (std::size_t i = 0; i < a.k; i += Blocks::kValues, block += Blocks::kBytes) {
    CONTINUO_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      hwy::Prefetch(block + r * a.row_step + kPrefetchBytes);
      Blocks::Block(block + r * a.row_step, DotSink{a.x + i, sums[r]});
    }
  }
  CONTINUO_UNROLL
  for (std::size_t r = 0; r < kRows; ++r) a.y[r * a.y_step] = Reduce16(sums[r]);
}

// kRows rows and one token.
template <class Loader, std::size_t kRows>
HWY_INLINE void OneToken(const TileArgs& a) {
  if constexpr (format_is_plain(Loader::kFormat)) {
    Tile<Loader, kRows, 1>(a);
  } else {
    BlockRows<Loader, kRows>(a);
  }
}

// A single token: nothing but memory limits it, so the rows are read as kVectorRows streams far apart, each straight
// ahead, which is what the processor's prefetchers follow best.
template <class Loader>
HWY_NOINLINE void VectorRows(TileArgs a, std::size_t rows) {
  const std::size_t stride = a.row_step, each = rows / kVectorRows;
  a.row_step = each * stride;
  a.y_step = each;
  for (std::size_t r = 0; r < each; ++r, a.w += stride, ++a.y) OneToken<Loader, kVectorRows>(a);
  a.w += (kVectorRows - 1) * each * stride;
  a.y += (kVectorRows - 1) * each;
  for (std::size_t r = kVectorRows * each; r < rows; ++r, a.w += stride, ++a.y) OneToken<Loader, 1>(a);
}

// The tokens that are left over after whole tiles: fewer than kTokens.
template <class Loader, std::size_t kTokens>
HWY_INLINE void LeftTokens(const TileArgs& a, std::size_t rows, std::size_t tokens, Fetch& fetch) {
  if constexpr (kTokens == 1) {
    VectorRows<Loader>(a, rows);
  } else if (tokens == kTokens) {
    TileRows<Loader, kTileRows, kTokens>(a, rows, fetch);
  } else {
    LeftTokens<Loader, kTokens - 1>(a, rows, tokens, fetch);
  }
}

// Tokens outside, rows inside, so that a tile's inputs stay in the first-level cache while the rows pass by.
template <class Loader>
HWY_INLINE void TileTokens(TileArgs a, std::size_t rows, std::size_t tokens, Fetch& fetch) {
  for (; tokens >= kTileTokens; tokens -= kTileTokens) {
    TileRows<Loader, kTileRows, kTileTokens>(a, rows, fetch);
    a.x += kTileTokens * a.x_stride;
    a.y += kTileTokens * a.y_stride;
  }
  if (tokens > 0) LeftTokens<Loader, kTileTokens>(a, rows, tokens, fetch);
}

// Few tokens take as long as their weights take to come from memory. So their inputs stay in the second-level
// cache, of so many bytes at the most, and while some rows, of about so many, are multiplied, the next ones
// come.
inline constexpr std::size_t kFewTokensBytes = 256 << 10, kRowsBytes = 20 << 10;

template <class Loader>
void MatMul(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
            std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride) {
  TileArgs a{w, w_stride, k, x, x_stride, y, 1, y_stride};
  if (tokens == 1) return VectorRows<Loader>(a, rows);
  const bool few = tokens * k * sizeof(float) <= kFewTokensBytes;
  const std::size_t together = few ? std::max<std::size_t>(kRowsBytes / w_stride / kTileRows, 2) * kTileRows : rows;
  for (std::size_t n; rows > 0; rows -= n, a.w += n * w_stride, a.y += n) {
    n = std::min(rows, together);
    Fetch fetch(std::min(rows - n, together) * w_stride, n * tokens * (k / 16 + 1));
    fetch.From(a.w + n * w_stride);
    TileTokens<Loader>(a, n, tokens, fetch);
  }
}

// Weights in blocks: each token by itself. Whoever has several unpacks the rows once and multiplies floats.
template <class Blocks>
void MatMulBlocks(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
                  std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride) {
  for (std::size_t t = 0; t < tokens; ++t) {
    VectorRows<Blocks>({w, w_stride, k, x + t * x_stride, x_stride, y + t * y_stride, 1, y_stride}, rows);
  }
}

// Eight of the sixteen partial sums of kLanes outputs take in their inputs: sums[i] += x[i] * w[i] for i < rows.
template <class Loader>
HWY_INLINE void AddInputs(const std::byte* w, std::size_t w_stride, std::size_t output, const float* x,
                          std::size_t rows, float* sums, std::size_t sums_stride) {
  if (rows >= 8) {
    V sum[8];
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 8; ++i) sum[i] = hn::LoadU(d, sums + i * sums_stride);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 8; ++i) {
      const std::byte* const row = w + i * w_stride;
      hwy::Prefetch(row + 16 * w_stride + output * Loader::kBytes);  // the row that these sums meet next
      sum[i] = hn::MulAdd(Loader::Load(row, output), hn::Set(d, x[i]), sum[i]);
    }
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 8; ++i) hn::StoreU(sum[i], d, sums + i * sums_stride);
  } else {
    for (std::size_t i = 0; i < rows; ++i) {
      const V sum = hn::LoadU(d, sums + i * sums_stride);
      hn::StoreU(hn::MulAdd(Loader::Load(w + i * w_stride, output), hn::Set(d, x[i]), sum), d, sums + i * sums_stride);
    }
  }
}

// An output whose neighbours do not fill a vector.
template <class Loader>
HWY_INLINE float DotInMajor(const std::byte* w, std::size_t w_stride, std::size_t output, std::size_t k,
                            const float* x) {
  float sums[16] = {};
  for (std::size_t i = 0; i < k; ++i) {
    float value;
    format_info(Loader::kFormat).to_float(w + i * w_stride + output * Loader::kBytes, &value, 1);
    sums[i % 16] = hn::GetLane(hn::MulAdd(hn::Set(d, value), hn::Set(d, x[i]), hn::Set(d, sums[i % 16])));
  }
  V lanes[kGroup];
  for (std::size_t g = 0; g < kGroup; ++g) lanes[g] = hn::LoadU(d, sums + g * kLanes);
  return Reduce16(lanes);
}

// Outputs in the lanes, the sixteen partial sums of each in sixteen rows of `scratch`.
template <class Loader>
void VectorInMajor(const std::byte* w, std::size_t w_stride, std::size_t outputs, std::size_t k, const float* x,
                   float* y, float* scratch) {
  const std::size_t whole = outputs / kLanes * kLanes;
  std::fill_n(scratch, 16 * outputs, 0.0f);
  for (std::size_t i = 0; i < k; i += 8) {
    float* const sums = scratch + i % 16 * outputs;
    for (std::size_t o = 0; o < whole; o += kLanes) {
      AddInputs<Loader>(w + i * w_stride, w_stride, o, x + i, k - i, sums + o, outputs);
    }
  }
  for (std::size_t o = 0; o < whole; o += kLanes) {
    for (std::size_t half = 8; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) {
        float* const sum = scratch + i * outputs + o;
        hn::StoreU(hn::Add(hn::LoadU(d, sum), hn::LoadU(d, sum + half * outputs)), d, sum);
      }
    }
    hn::StoreU(hn::LoadU(d, scratch + o), d, y + o);
  }
  for (std::size_t o = whole; o < outputs; ++o) y[o] = DotInMajor<Loader>(w, w_stride, o, k, x);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
