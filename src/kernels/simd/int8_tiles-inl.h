// Products of bytes by the tile unit of a processor with AMX-INT8: sixteen tokens by sixteen rows at once.
// See ../int8.h for what is computed.
#if defined(CONTINUO_SIMD_INT8_TILES_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_TILES_INL_H
#undef CONTINUO_SIMD_INT8_TILES_INL_H
#else
#define CONTINUO_SIMD_INT8_TILES_INL_H
#endif

#include "kernels/simd/int8_repacked-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// The way of a processor that has both: few tokens by VNNI, many by tiles, which want signed weights.
struct DotTiles : DotVnni {
  static constexpr std::size_t kTile = 16;
  template <int>
  static constexpr int kPackedBias = 128;  // of what Unpack gives
  template <int kBias>
  static HWY_INLINE U Pack(U w) {
    return kBias == 0 || kBias == kSigned ? w : AddToBytes(w, -kBias);
  }
  template <int>
  static HWY_INLINE Weights Unpack(U w) {
    return Prepare<kSigned>(w);
  }
};

// The instructions, in assembler as this target does not have them (see DotVnni). Compilers use no tile by
// themselves.
template <int kTile>
HWY_INLINE void TileLoad(const void* p, std::size_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
HWY_INLINE void TileStore(void* p, std::size_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
// sums = tokens times weights, signed bytes both
template <int kSums, int kTokens, int kWeights>
HWY_INLINE void TileProduct() {
  asm volatile("tilezero %%tmm%c0\n\ttdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kTokens), "i"(kWeights));
}

// Which register is what: whole tiles of tokens have their own, and so has the last one, which may be lower.
template <int kTokensOf, int kSumsOf>
struct TileSet {
  static constexpr int kTokens = kTokensOf, kSums = kSumsOf, kWeights = 0;
};
using WholeTile = TileSet<1, 2>;
using LastTile = TileSet<3, 4>;

// Gives the registers the shapes for `tokens` in all and steps of `inputs`. They stay, as setting them and
// giving them up costs as much as some products do; nothing else in the process uses tiles.
inline void SetTileShapes(std::size_t tokens, std::size_t inputs) {
  const std::size_t last = tokens % DotTiles::kTile, now = inputs * DotTiles::kTile + last;
  static thread_local std::size_t set_for = 0;
  if (set_for == now) return;
  struct alignas(64) Shapes {  // Intel's manual, vol. 1, chapter 18: "tile configuration"
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } shapes;
  const auto set = [&](int tile, std::size_t rows, std::size_t row_bytes) {
    shapes.rows[tile] = static_cast<std::uint8_t>(rows);
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(row_bytes);
  };
  set(WholeTile::kWeights, inputs / 4, 4 * kLanes);
  set(WholeTile::kTokens, DotTiles::kTile, inputs);
  set(WholeTile::kSums, DotTiles::kTile, 4 * kLanes);
  if (last > 0) {
    set(LastTile::kTokens, last, inputs);
    set(LastTile::kSums, last, 4 * kLanes);
  }
  asm volatile("ldtilecfg %0" : : "m"(shapes));
  set_for = now;
}

// A panel as PackPanel leaves it.
template <class KindOf>
struct PackedBlocks {
  using Kind = KindOf;
  const float* packed;
  HWY_INLINE const float* Block(std::size_t b) const { return packed + b * kPackedVectors<Kind> * kLanes; }
  HWY_INLINE const void* Weights(std::size_t b, std::size_t g) const { return Block(b) + g * kLanes; }
  HWY_INLINE V Scale(std::size_t b, std::size_t s) const { return hn::Load(d, Block(b) + (8 + s) * kLanes); }
  HWY_INLINE V Shift(std::size_t b) const { return hn::Load(d, Block(b) + (8 + Kind::kSteps) * kLanes); }
};

// A repacked panel of a byte a weight, without shifts.
template <class KindOf>
struct RepackedBlocks {
  using Kind = KindOf;
  const std::uint32_t* weights;
  const std::uint16_t* halves;
  HWY_INLINE const void* Weights(std::size_t b, std::size_t g) const { return weights + (8 * b + g) * kLanes; }
  HWY_INLINE V Scale(std::size_t b, std::size_t) const { return HalvesAt(halves + b * kLanes); }
  HWY_INLINE V Shift(std::size_t) const { return hn::Zero(d); }
};

// The sums of step `step`, for tokens whose values begin at x.
template <class Tiles, class Blocks>
HWY_INLINE void SumStep(const Blocks& w, std::size_t step, const std::byte* x, std::size_t x_block,
                        std::int32_t* sums) {
  constexpr std::size_t kSteps = Blocks::Kind::kSteps;
  const std::size_t b = step / kSteps, s = step % kSteps;
  TileLoad<Tiles::kTokens>(x + b * x_block + s * (kInt8Block / kSteps), kInt8Block);
  TileLoad<Tiles::kWeights>(w.Weights(b, s * (8 / kSteps)), 4 * kLanes);
  TileProduct<Tiles::kSums, Tiles::kTokens, Tiles::kWeights>();
  TileStore<Tiles::kSums>(sums, 4 * kLanes);
}

// y[t] takes in such sums. `scales` are the tokens' in this block.
template <class Blocks, std::size_t kRows>
HWY_INLINE void TakeSums(const Blocks& w, std::size_t step, const std::int32_t* sums, const std::byte* scales,
                         const std::byte* weighted_sums, V (&y)[kRows]) {
  constexpr std::size_t kSteps = Blocks::Kind::kSteps;
  const std::size_t b = step / kSteps, s = step % kSteps;
  const V scale = w.Scale(b, s);
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kRows; ++t) {
    const V both = hn::Mul(scale, BroadcastFloat(scales + 4 * t));
    y[t] = hn::MulAdd(both, hn::ConvertTo(d, hn::Load(di, sums + t * kLanes)), y[t]);
  }
  if (Blocks::Kind::kShifted && s + 1 == kSteps) {
    const V shift = w.Shift(b);
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kRows; ++t) {
      y[t] = hn::MulAdd(shift, BroadcastFloat(weighted_sums + 4 * t), y[t]);
    }
  }
}

// One tile of n <= kRows tokens; the sums of rows n and more come to nothing. What is read of those is other
// parts of the same block: 4 * kRows <= 12 * n, where the blocks end.
template <class Tiles, std::size_t kRows, class Blocks>
HWY_NOINLINE void MultiplyTile(const Blocks& w, std::size_t blocks, const std::byte* x, std::size_t n, std::size_t rows,
                               float* out, std::size_t stride, Fetch& fetch) {
  constexpr std::size_t kSteps = Blocks::Kind::kSteps;
  HWY_ALIGN std::int32_t sums[DotTiles::kTile * kLanes];
  V y[kRows];
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kRows; ++t) y[t] = hn::Zero(d);
  const std::size_t x_block = kInt8BlockBytes * n;
  const std::byte* const scales = Int8At(x, kInt8Scale, 0, n);
  const std::byte* const weighted_sums = Int8At(x, kInt8WeightedSum, 0, n);
  const std::size_t lines = fetch.Lines(n);
  for (std::size_t step = 0; step < blocks * kSteps; ++step) {
    const std::size_t b = step / kSteps;
    SumStep<Tiles>(w, step, x, x_block, sums);
    fetch.Step(lines);
    TakeSums(w, step, sums, scales + b * x_block, weighted_sums + b * x_block, y);
  }
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kRows; ++t) {
    if (t < n) StoreRow(y[t], rows, out + t * stride);
  }
}

// All tokens with one panel, in registers of the right shapes.
template <class Blocks>
HWY_INLINE void MultiplyTiles(const Blocks& w, std::size_t k, const std::byte* x, std::size_t tokens, std::size_t rows,
                              float* out, std::size_t stride, Fetch& fetch) {
  constexpr std::size_t kTile = DotTiles::kTile;
  const std::size_t blocks = k / kInt8Block;
  for (; tokens >= kTile; tokens -= kTile, x += kTile * int8_bytes(k), out += kTile * stride) {
    MultiplyTile<WholeTile, kTile>(w, blocks, x, kTile, rows, out, stride, fetch);
  }
  if (tokens > 12) return MultiplyTile<LastTile, 16>(w, blocks, x, tokens, rows, out, stride, fetch);
  if (tokens > 8) return MultiplyTile<LastTile, 12>(w, blocks, x, tokens, rows, out, stride, fetch);
  if (tokens > 4) return MultiplyTile<LastTile, 8>(w, blocks, x, tokens, rows, out, stride, fetch);
  if (tokens > 1) return MultiplyTile<LastTile, 4>(w, blocks, x, tokens, rows, out, stride, fetch);
  if (tokens == 1) return MultiplyTile<LastTile, 1>(w, blocks, x, tokens, rows, out, stride, fetch);
}

template <class Kind>
struct PackedProducts<DotTiles, Kind> {
  static HWY_INLINE void Multiply(const Int8Panel& p, const float* packed, std::size_t k, const std::byte* x,
                                  std::size_t tokens) {
    SetTileShapes(tokens, kInt8Block / Kind::kSteps);
    Fetch nothing(0, 1);
    MultiplyTiles(PackedBlocks<Kind>{packed}, k, x, tokens, p.n, p.y, p.y_stride, nothing);
  }
};

template <class F>
struct RepackedProducts<DotTiles, F> {
  static void Multiply(const std::byte* panels, std::size_t rows, std::size_t k, const std::byte* x, std::size_t tokens,
                       float* y, std::size_t y_stride, std::byte* scratch) {
    using Kind = PackedKind<DotTiles, F>;
    const std::size_t blocks = k / kInt8Block, panel_bytes = repacked_bytes(F::kFormat, kLanes, k);
    SetTileShapes(tokens, kInt8Block / Kind::kSteps);
    // Each tile of tokens brings its part of the next panel.
    Fetch fetch(panel_bytes, blocks * Kind::kSteps * tokens);
    for (std::size_t r = 0; r < rows; r += kLanes, panels += panel_bytes) {
      if (r + kLanes < rows) fetch.From(panels + panel_bytes);
      if constexpr (Repacked<DotTiles, F>::kVectors == 4) {
        UnpackNibbles<DotTiles, F>(panels, blocks, AlignedScratch(scratch));
        MultiplyTiles(PackedBlocks<Kind>{AlignedScratch(scratch)}, k, x, tokens, rows - r, y + r, y_stride, fetch);
      } else {
        const auto* weights = reinterpret_cast<const std::uint32_t*>(panels);
        const RepackedBlocks<Kind> w{weights, reinterpret_cast<const std::uint16_t*>(weights + blocks * 8 * kLanes)};
        MultiplyTiles(w, k, x, tokens, rows - r, y + r, y_stride, fetch);
      }
    }
  }
};

// Products alone, of blocks as long as those of a product.
inline std::size_t PeakTiles(std::size_t rounds) {
  HWY_ALIGN std::byte bytes[1024] = {};
  constexpr std::size_t kTile = DotTiles::kTile;
  SetTileShapes(kTile, kInt8Block);
  TileLoad<WholeTile::kTokens>(bytes, kInt8Block);
  TileLoad<WholeTile::kWeights>(bytes, 4 * kLanes);
  for (std::size_t i = 0; i < rounds; ++i) {
    CONTINUO_UNROLL
    for (int sum = 0; sum < 4; ++sum) TileProduct<WholeTile::kSums, WholeTile::kTokens, WholeTile::kWeights>();
  }
  TileStore<WholeTile::kSums>(bytes, 4 * kLanes);
  return rounds * 4 * kTile * kLanes * kInt8Block * 2;
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
