// Integer products with output rows in the lanes: see ../int8.h for what is computed.
#if defined(CONTINUO_SIMD_INT8_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_INL_H
#undef CONTINUO_SIMD_INT8_INL_H
#else
#define CONTINUO_SIMD_INT8_INL_H
#endif

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/int8.h"
#include "kernels/simd/common-inl.h"
#include "kernels/simd/int8_quantize-inl.h"
#include "kernels/simd/int8_unpack-inl.h"
#include "kernels/simd/peak-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

HWY_INLINE std::int32_t IntAt(const std::byte* p) {
  std::int32_t value;
  std::memcpy(&value, p, 4);
  return value;
}
HWY_INLINE V BroadcastFloat(const std::byte* p) { return hn::BitCast(d, hn::Set(di, IntAt(p))); }
HWY_INLINE I BroadcastInt(const std::byte* p) { return hn::Set(di, IntAt(p)); }

// A target's way to sum products of bytes:
// - Prepare<kBias>(w): four weights of each lane as Add takes them, w + kBias or signed (int8_unpack-inl.h)
// - Sum<kBias, kRoom>::Begin(offset): an empty sum; `offset` is -128 * sum of q
// - Pack<kBias>, Unpack<kPackedBias<kBias>>: the same by way of memory, where weights have the bias kPackedBias<kBias>
// - kRoom<kBias, kLargest>: what Sum must know of how large weights are
// - ForFew: the way for few tokens, whose weights come as they are stored
// - kTile: tokens that are multiplied at once
// - kWorthUnpacking: tokens from which on repacked nibbles are unpacked once for all of them; 0: never
// - kOutrunsMemory: one token's products take less time than its weights, a byte each, take from memory
// What a sum begins at, where weights are w + kBias, none of them negative: what the bias counts too much.
template <int kBias>
HWY_INLINE I BeginAt(I offset) {
  if constexpr (kBias == 0) {
    return hn::Zero(di);
  } else {
    return hn::ShiftRight<7 - std::countr_zero(static_cast<unsigned>(kBias))>(offset);
  }
}

#if HWY_TARGET == HWY_AVX3
// AVX512-VNNI: unsigned times signed bytes, four products a lane at once. Written in assembler, because this target may
// only use what the first processors with AVX-512 had: the table that is built of it is chosen where VNNI is there.
struct DotVnni {
  using ForFew = DotVnni;
  static constexpr std::size_t kTile = 12, kWorthUnpacking = 0;
  static constexpr bool kOutrunsMemory = true;
  using Weights = U;
  template <int, int>
  static constexpr int kRoom = 0;
  template <int kBias, int>
  struct Sum {
    I sum;
    HWY_INLINE void Begin(I offset) { sum = BeginAt<kBias>(offset); }
    HWY_INLINE void Add(const Weights& w, const std::byte* x) {
      asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum.raw) : "v"(w.raw), "m"(*reinterpret_cast<const std::int32_t*>(x)));
    }
    HWY_INLINE I Result() const { return sum; }
  };
  template <int kBias>
  static HWY_INLINE Weights Prepare(U w) {
    if constexpr (kBias == kSigned)
      return hn::Xor(w, hn::Set(du, 0x80808080u));
    else
      return w;
  }
  template <int kBias>
  static constexpr int kPackedBias = kBias == 0 ? 0 : 128;
  template <int kBias>
  static HWY_INLINE U Pack(U w) {
    if constexpr (kBias == 0 || kBias == kSigned)
      return Prepare<kBias>(w);
    else
      return AddToBytes(w, 128 - kBias);
  }
  template <int>
  static HWY_INLINE Weights Unpack(U w) {
    return w;
  }
};
#endif

#if HWY_ARCH_X86
// pmaddubsw: pairs of products of unsigned and signed bytes, added with saturation at 16 bits. Weights that are stored
// as unsigned numbers w + kBias are multiplied as they are. Of signed weights the magnitudes are the unsigned bytes, and
// their signs move to the activations: 128 * 127 * 2 is below 2^15, so nothing saturates. Small weights leave room for
// several pairs.
struct DotPairs {
  using ForFew = DotPairs;
  static constexpr std::size_t kTile = 4, kWorthUnpacking = 48;
  static constexpr bool kOutrunsMemory = false;
  struct Weights {
    U signs, magnitudes;
  };
  using D16 = hn::Repartition<std::int16_t, D>;
  using I16 = hn::Vec<D16>;
  // The largest byte that is multiplied, of weights from -kLargest to kLargest, or to kLargest - 1 where they are biased.
  template <int kBias, int kLargest>
  static constexpr int kLargestByte = kBias == 0 || kBias == kSigned ? kLargest : kLargest - 1 + kBias;
  // Pairs of products that fit 16 bits, of the at most eight that there are.
  template <int kBias, int kLargest>
  static constexpr int kRoom = std::min(32767 / (2 * 127 * kLargestByte<kBias, kLargest>), 8);
  template <int kBias, int kPairs>
  struct Sum {
    I sum;
    I16 pairs;
    int n;
    HWY_INLINE void Begin(I offset) {
      sum = BeginAt < kBias == kSigned ? 0 : kBias > (offset);
      n = 0;
    }
    HWY_INLINE void Add(const Weights& w, const std::byte* x) {
      const I16 products = MultiplyPairs<kBias == kSigned>(w, hn::BitCast(du, BroadcastInt(x)));
      pairs = n == 0 ? products : hn::Add(pairs, products);
      if (++n == kPairs) Widen();
    }
    HWY_INLINE I Result() {
      if (n != 0) Widen();
      return sum;
    }
    HWY_INLINE void Widen() {
      sum = hn::Add(sum, AddNeighbours(pairs));
      n = 0;
    }
  };
  template <bool kWithSigns>
  static HWY_INLINE I16 MultiplyPairs(const Weights& w, U x) {
    const U turned = kWithSigns ? WithSigns(x, w.signs) : x;
#if HWY_MAX_BYTES >= 64
    return I16{_mm512_maddubs_epi16(w.magnitudes.raw, turned.raw)};
#elif HWY_MAX_BYTES == 32
    return I16{_mm256_maddubs_epi16(w.magnitudes.raw, turned.raw)};
#else
    return I16{_mm_maddubs_epi16(w.magnitudes.raw, turned.raw)};
#endif
  }
#if HWY_MAX_BYTES >= 64
  // There is no vpsignb of 512 bits.
  static HWY_INLINE U WithSigns(U x, U signs) {
    const __mmask64 negative = _mm512_movepi8_mask(signs.raw);
    return U{_mm512_mask_sub_epi8(x.raw, negative, _mm512_setzero_si512(), x.raw)};
  }
  static HWY_INLINE I AddNeighbours(I16 v) { return I{_mm512_madd_epi16(v.raw, _mm512_set1_epi16(1))}; }
#elif HWY_MAX_BYTES == 32
  static HWY_INLINE U WithSigns(U x, U signs) { return U{_mm256_sign_epi8(x.raw, signs.raw)}; }
  static HWY_INLINE I AddNeighbours(I16 v) { return I{_mm256_madd_epi16(v.raw, _mm256_set1_epi16(1))}; }
#else
  static HWY_INLINE U WithSigns(U x, U signs) { return U{_mm_sign_epi8(x.raw, signs.raw)}; }
  static HWY_INLINE I AddNeighbours(I16 v) { return I{_mm_madd_epi16(v.raw, _mm_set1_epi16(1))}; }
#endif
  template <int kBias>
  static HWY_INLINE Weights Unpack(U w) {
    if constexpr (kBias != kSigned) return {w, w};
    const hn::Repartition<std::int8_t, D> d8;
    return {w, hn::BitCast(du, hn::Abs(hn::BitCast(d8, w)))};
  }
  template <int kBias>
  static constexpr int kPackedBias = kBias;
  template <int>
  static HWY_INLINE U Pack(U w) {
    return w;
  }
  template <int kBias>
  static HWY_INLINE Weights Prepare(U w) {
    return Unpack<kBias>(w);
  }
};
#else
// Any processor: byte by byte.
struct DotPlain {
  using ForFew = DotPlain;
  static constexpr std::size_t kTile = 4, kWorthUnpacking = 48;
  static constexpr bool kOutrunsMemory = false;
  using Weights = U;
  template <int, int>
  static constexpr int kRoom = 0;
  template <int, int>
  struct Sum {
    I sum;
    HWY_INLINE void Begin(I) { sum = hn::Zero(di); }
    HWY_INLINE void Add(U w, const std::byte* x) {
      const I wide = hn::BitCast(di, w), q = BroadcastInt(x);
      CONTINUO_UNROLL
      for (int i = 0; i < 4; ++i) {
        const I one = hn::ShiftRight<24>(hn::ShiftLeftSame(wide, 24 - 8 * i));
        sum = hn::Add(sum, hn::Mul(one, hn::ShiftRight<24>(hn::ShiftLeftSame(q, 24 - 8 * i))));
      }
    }
    HWY_INLINE I Result() const { return sum; }
  };
  template <int>
  static constexpr int kPackedBias = kSigned;
  template <int kBias>
  static HWY_INLINE U Pack(U w) {
    return kBias == 0 || kBias == kSigned ? w : AddToBytes(w, -kBias);
  }
  template <int kBias>
  static HWY_INLINE Weights Prepare(U w) {
    return Pack<kBias>(w);
  }
  template <int>
  static HWY_INLINE Weights Unpack(U w) {
    return w;
  }
};
#endif

// Where values 4 g .. 4 g + 3 of token t stand, and where its number `part` of int8.h, in a block of a tile
// of n.
HWY_INLINE const std::byte* Int8ValuesAt(const std::byte* block, std::size_t g, std::size_t t) {
  return block + kInt8Block * t + 4 * g;
}
HWY_INLINE const std::byte* Int8At(const std::byte* block, Int8Part part, std::size_t t, std::size_t n) {
  return block + kInt8Block * n + 4 * (part * n + t);
}

// What a product must know of its weights' format.
template <std::size_t kStepsOf, bool kShiftedOf, int kBiasOf, int kRoomFor>
struct Int8Kind {
  static constexpr std::size_t kSteps = kStepsOf;
  static constexpr bool kShifted = kShiftedOf;
  static constexpr int kBias = kBiasOf, kRoom = kRoomFor;
};
template <class Dot, class F>
using DirectKind = Int8Kind<F::kSteps, F::kShifted, F::kBias, Dot::template kRoom<F::kBias, F::kLargest>>;
template <class Dot, class F>
using PackedKind = Int8Kind<F::kSteps, F::kShifted, Dot::template kPackedBias<F::kBias>,
                            Dot::template kRoom<Dot::template kPackedBias<F::kBias>, F::kLargest>>;

// The sums of one block take in a product each: y[t] as int8.h says. `weights(g)` are the prepared ones of group g,
// `scale(s)` the scales of step s.
template <class Dot, class Kind, std::size_t kTokens, class WeightsAt, class ScaleAt>
HWY_INLINE void AddBlock(const std::byte* x, WeightsAt&& weights, ScaleAt&& scale_of, V (&y)[kTokens]) {
  constexpr std::size_t kGroups = 8 / Kind::kSteps;
  CONTINUO_UNROLL
  for (std::size_t s = 0; s < Kind::kSteps; ++s) {
    typename Dot::template Sum<Kind::kBias, Kind::kRoom> sums[kTokens];
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) {
      I offset = BroadcastInt(Int8At(x, s == 0 ? kInt8Offset : kInt8OffsetHigh, t, kTokens));
      if (s == 0 && Kind::kSteps == 2) offset = hn::Sub(offset, BroadcastInt(Int8At(x, kInt8OffsetHigh, t, kTokens)));
      sums[t].Begin(offset);
    }
    CONTINUO_UNROLL
    for (std::size_t g = s * kGroups; g < (s + 1) * kGroups; ++g) {
      const typename Dot::Weights w = weights(g);
      CONTINUO_UNROLL
      for (std::size_t t = 0; t < kTokens; ++t) sums[t].Add(w, Int8ValuesAt(x, g, t));
    }
    const V scale = scale_of(s);
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) {
      const V both = hn::Mul(scale, BroadcastFloat(Int8At(x, kInt8Scale, t, kTokens)));
      y[t] = hn::MulAdd(both, hn::ConvertTo(d, sums[t].Result()), y[t]);
    }
  }
}

template <std::size_t kTokens>
HWY_INLINE void AddShift(const std::byte* x, V shift, V (&y)[kTokens]) {
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kTokens; ++t) {
    y[t] = hn::MulAdd(shift, BroadcastFloat(Int8At(x, kInt8WeightedSum, t, kTokens)), y[t]);
  }
}

// Results of kLanes rows, of which the first `rows` are wanted.
HWY_INLINE void StoreRow(V y, std::size_t rows, float* out) {
  if (rows >= kLanes) {
    hn::StoreU(y, d, out);
  } else {
    float all[kLanes];
    hn::StoreU(y, d, all);
    std::copy_n(all, rows, out);
  }
}
template <std::size_t kTokens>
HWY_INLINE void StoreRows(const V (&y)[kTokens], std::size_t rows, float* out, std::size_t stride) {
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kTokens; ++t) StoreRow(y[t], rows, out + t * stride);
}

// kLanes stored rows with their products.
struct Int8Panel {
  StoredRows rows;
  std::size_t n;       // rows that are wanted, the first ones; no fewer than kLanes: all
  std::size_t blocks;  // of 32 inputs
  float* y;
  std::size_t y_stride;
  std::size_t ahead;  // bytes from a row to where memory is fetched meanwhile; 0: nowhere
};

// The products of a stored block: y takes in its kBlocks blocks; x is the first of these. `on_block()` is called before
// each.
template <class Dot, class F, class Rows, std::size_t kTokens, class OnBlock>
HWY_INLINE void AddStoredBlock(const Rows& rows, const std::byte* x, V (&y)[kTokens], OnBlock&& on_block) {
  HWY_ALIGN float scales[F::kBlocks * F::kSteps * kLanes];
  HWY_ALIGN float shifts[F::kBlocks * kLanes];
  F::LoadScales(rows, scales, shifts);
  for (std::size_t group = 0; group < F::kBlocks / F::kTogether; ++group) {
    const typename F::template Packed<Rows> packed(rows, group);
    const auto take = [&]<std::size_t kPart>() HWY_ATTR {
      const std::size_t part = group * F::kTogether + kPart;
      on_block();
      AddBlock<Dot, DirectKind<Dot, F>>(
          x,
          [&](std::size_t g)
              HWY_ATTR { return Dot::template Prepare<F::kBias>(F::template Weight<kPart>(packed, group, g)); },
          [&](std::size_t s) HWY_ATTR { return hn::Load(d, scales + (part * F::kSteps + s) * kLanes); }, y);
      if constexpr (F::kShifted) AddShift(x, hn::Load(d, shifts + part * kLanes), y);
      x += kInt8BlockBytes * kTokens;
    };
    take.template operator()<0>();
    if constexpr (F::kTogether >= 2) take.template operator()<1>();
    if constexpr (F::kTogether == 4) take.template operator()<2>(), take.template operator()<3>();
  }
}

// Few tokens: weights go from memory into registers and are used at once. Meanwhile the panels to come are fetched
// into the second-level cache, byte after byte: the rows themselves, sixteen streams, are too many for a processor to
// follow on its own.
template <class Dot, class F, std::size_t kTokens>
HWY_NOINLINE void MultiplyDirectly(const Int8Panel& p, const std::byte* x) {
  const std::size_t stored = format_info(F::kFormat).block_bytes;
  StoredRows rows = p.rows;
  const std::byte* fetch = p.rows.quarter[0] + p.ahead;
  V y[kTokens];
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kTokens; ++t) y[t] = hn::Zero(d);
  for (std::size_t b = 0; b < p.blocks; b += F::kBlocks, rows.Advance(stored)) {
    if (p.ahead) {
      for (std::size_t i = 0; i < stored * kLanes; i += 64) FetchFar(fetch + i);
      fetch += stored * kLanes;
    }
    AddStoredBlock<Dot, F>(rows, x, y, [] {});
    x += F::kBlocks * kInt8BlockBytes * kTokens;
  }
  StoreRows(y, p.n, p.y, p.y_stride);
}

// Many tokens: the panel's weights stand in scratch as the products take them. A block is 8 vectors of weights, then
// its scales, then its shift.
template <class Kind>
inline constexpr std::size_t kPackedVectors = 8 + Kind::kSteps + (Kind::kShifted ? 1 : 0);

// Rows: StoredRows, or PanelRows<F> of a repacked panel.
template <class Dot, class F, class Rows>
HWY_NOINLINE void PackPanel(Rows rows, std::size_t blocks, float* packed) {
  const std::size_t stored = format_info(F::kFormat).block_bytes;
  HWY_ALIGN float scales[F::kBlocks * F::kSteps * kLanes];
  HWY_ALIGN float shifts[F::kBlocks * kLanes];
  for (std::size_t b = 0; b < blocks; b += F::kBlocks, rows.Advance(stored)) {
    F::LoadScales(rows, scales, shifts);
    for (std::size_t group = 0; group < F::kBlocks / F::kTogether; ++group) {
      const typename F::template Packed<Rows> columns(rows, group);
      const auto put = [&]<std::size_t kPart>() HWY_ATTR {
        const std::size_t part = group * F::kTogether + kPart;
        CONTINUO_UNROLL
        for (std::size_t g = 0; g < 8; ++g) {
          hn::Store(hn::BitCast(d, Dot::template Pack<F::kBias>(F::template Weight<kPart>(columns, group, g))), d,
                    packed + g * kLanes);
        }
        std::copy_n(scales + part * F::kSteps * kLanes, F::kSteps * kLanes, packed + 8 * kLanes);
        if constexpr (F::kShifted) std::copy_n(shifts + part * kLanes, kLanes, packed + (8 + F::kSteps) * kLanes);
        packed += kPackedVectors<F> * kLanes;
      };
      put.template operator()<0>();
      if constexpr (F::kTogether >= 2) put.template operator()<1>();
      if constexpr (F::kTogether == 4) put.template operator()<2>(), put.template operator()<3>();
    }
  }
}

template <class Dot, class Kind, std::size_t kTokens>
HWY_NOINLINE void MultiplyPacked(const Int8Panel& p, const float* packed, const std::byte* x, float* out) {
  V y[kTokens];
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kTokens; ++t) y[t] = hn::Zero(d);
  for (std::size_t b = 0; b < p.blocks; ++b, packed += kPackedVectors<Kind> * kLanes, x += kInt8BlockBytes * kTokens) {
    AddBlock<Dot, Kind>(
        x,
        [&](std::size_t g)
            HWY_ATTR { return Dot::template Unpack<Kind::kBias>(hn::BitCast(du, hn::Load(d, packed + g * kLanes))); },
        [&](std::size_t s) HWY_ATTR { return hn::Load(d, packed + (8 + s) * kLanes); }, y);
    if constexpr (Kind::kShifted) AddShift(x, hn::Load(d, packed + (8 + Kind::kSteps) * kLanes), y);
  }
  StoreRows(y, p.n, out, p.y_stride);
}

// The function for a tile of `tokens`, 1 <= tokens <= kMost.
template <class Dot, class Kind, std::size_t kMost>
HWY_INLINE void PackedTile(const Int8Panel& p, const float* packed, const std::byte* x, std::size_t tokens,
                           float* out) {
  if constexpr (kMost > 1) {
    if (tokens < kMost) return PackedTile<Dot, Kind, kMost - 1>(p, packed, x, tokens, out);
  }
  MultiplyPacked<Dot, Kind, kMost>(p, packed, x, out);
}
template <class Dot, class F, std::size_t kMost>
HWY_INLINE void DirectTile(const Int8Panel& p, const std::byte* x, std::size_t tokens) {
  if constexpr (kMost > 1) {
    if (tokens < kMost) return DirectTile<Dot, F, kMost - 1>(p, x, tokens);
  }
  MultiplyDirectly<Dot, F, kMost>(p, x);
}

// Up to this many tokens packing costs more than it saves.
inline constexpr std::size_t kDirectTokens = 4;

// How many panels ahead memory is fetched.
inline constexpr std::size_t kPanelsAhead = 2;

// All tokens with a packed panel.
template <class Dot, class Kind>
struct PackedProducts {
  static HWY_INLINE void Multiply(const Int8Panel& p, const float* packed, std::size_t k, const std::byte* x,
                                  std::size_t tokens) {
    for (std::size_t t = 0; t < tokens; t += Dot::kTile) {
      PackedTile<Dot, Kind, Dot::kTile>(p, packed, x + t * int8_bytes(k), std::min(Dot::kTile, tokens - t),
                                        p.y + t * p.y_stride);
    }
  }
};

template <class Dot, class F>
void MultiplyPanel(const Int8Panel& p, std::size_t k, const std::byte* x, std::size_t tokens, float* packed) {
  if (tokens <= kDirectTokens) return DirectTile<typename Dot::ForFew, F, kDirectTokens>(p, x, tokens);
  PackPanel<Dot, F>(p.rows, p.blocks, packed);
  PackedProducts<Dot, PackedKind<Dot, F>>::Multiply(p, packed, k, x, tokens);
}

// Where whole vectors may begin.
HWY_INLINE float* AlignedScratch(std::byte* scratch) {
  return reinterpret_cast<float*>(round_up(reinterpret_cast<std::uintptr_t>(scratch), 64));
}

template <class Dot, class F>
void MatMulInt8(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const std::byte* x,
                std::size_t tokens, float* y, std::size_t y_stride, std::byte* scratch) {
  if (tokens == 0) return;
  float* const packed = AlignedScratch(scratch);
  Int8Panel p{.rows = {w, 0}, .n = 1, .blocks = k / kInt8Block, .y = y, .y_stride = y_stride, .ahead = 0};
  if (rows < kLanes) {  // one by one: all lanes read the same row
    for (std::size_t r = 0; r < rows; ++r, ++p.y) {
      p.rows = {w + r * w_stride, 0};
      MultiplyPanel<Dot, F>(p, k, x, tokens, packed);
    }
    return;
  }
  p.n = kLanes;
  for (std::size_t next = 0; next < rows; next += kLanes) {
    const std::size_t first = std::min(next, rows - kLanes);  // the last panel may compute some rows once more
    const std::size_t to_fetch = first + kPanelsAhead * kLanes;
    p.rows = {w + first * w_stride, w_stride};
    p.ahead = to_fetch + kLanes <= rows ? (to_fetch - first) * w_stride : 0;
    p.y = y + first;
    MultiplyPanel<Dot, F>(p, k, x, tokens, packed);
  }
}

// Products alone, with nothing but activations from memory: of 4-bit weights, whose sums are widened once a block, so
// that no format's products can be faster. Returns the operations done.
template <class Dot>
std::size_t PeakInt8(std::size_t rounds) {
  constexpr std::size_t kGroups = 8;
  alignas(4) std::byte x[4 * kPeakSums] = {};
  const typename Dot::Weights w = Dot::template Prepare<0>(hn::Set(du, 0x01010101u));
  typename Dot::template Sum<0, Dot::template kRoom<0, 15>> sums[kPeakSums];
  CONTINUO_UNROLL
  for (std::size_t s = 0; s < kPeakSums; ++s) sums[s].Begin(hn::Zero(di));
  for (std::size_t i = 0; i < rounds; ++i) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroups; ++g) {
      asm volatile("" : "+m"(x));
      CONTINUO_UNROLL
      for (std::size_t s = 0; s < kPeakSums; ++s) sums[s].Add(w, x + 4 * s);
    }
  }
  CONTINUO_UNROLL
  for (std::size_t s = 0; s < kPeakSums; ++s) {
    I result = sums[s].Result();
    Forget(result);
  }
  return rounds * kGroups * kPeakSums * kLanes * 4 * 2;
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
