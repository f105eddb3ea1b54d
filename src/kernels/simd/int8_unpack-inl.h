// Block formats as whole numbers with output rows in the lanes: what int8-inl.h multiplies.
#if defined(CONTINUO_SIMD_INT8_UNPACK_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_UNPACK_INL_H
#undef CONTINUO_SIMD_INT8_UNPACK_INL_H
#else
#define CONTINUO_SIMD_INT8_UNPACK_INL_H
#endif

#include <array>
#include <cstdint>
#include <cstring>

#include "kernels/simd/common-inl.h"
#include "quant/format.h"
#include "quant/iq4_nl.h"
#include "quant/mxfp4.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using DI = hn::RebindToSigned<D>;
using DB = hn::Repartition<std::uint8_t, D>;
using U = hn::Vec<DU>;  // a number of 32 bits, or four bytes, of each of kLanes rows
using I = hn::Vec<DI>;
inline constexpr DU du;
inline constexpr DI di;
inline constexpr DB db;

// kLanes rows of stored weights, `stride` bytes apart: `quarter[i]` is where row 4 i is read next.
struct StoredRows {
  const std::byte* quarter[kLanes / 4];
  std::size_t stride;

  HWY_INLINE StoredRows(const std::byte* first, std::size_t row_stride) : stride(row_stride) {
    for (std::size_t i = 0; i < kLanes / 4; ++i) quarter[i] = first + 4 * i * row_stride;
  }
  HWY_INLINE void Advance(std::size_t bytes) {
    CONTINUO_UNROLL
    for (const std::byte*& p : quarter) p += bytes;
#if HWY_ARCH_X86
    // Four pointers and a stride address all rows; the compiler would rather keep sixteen, more than it has registers.
    if constexpr (kLanes == 16) asm("" : "+r"(quarter[0]), "+r"(quarter[1]), "+r"(quarter[2]), "+r"(quarter[3]));
#endif
  }
  template <std::size_t kRow>
  HWY_INLINE const std::byte* Row() const {
    return quarter[kRow / 4] + kRow % 4 * stride;
  }
};

// Sixteen bytes from `at` on of the rows kFirst, kFirst + 4, kFirst + 8, ...: a vector's 128-bit parts.
template <std::size_t kFirst>
HWY_INLINE U LoadParts(const StoredRows& rows, std::size_t at) {
  const hn::CappedTag<std::uint8_t, 16> d16;
  const auto part = [&](std::size_t i) HWY_ATTR {
    return hn::LoadU(d16, reinterpret_cast<const std::uint8_t*>(rows.quarter[i] + kFirst * rows.stride + at));
  };
#if HWY_MAX_BYTES >= 64
  const hn::Half<DB> d32;
  return hn::BitCast(du, hn::Combine(db, hn::Combine(d32, part(3), part(2)), hn::Combine(d32, part(1), part(0))));
#elif HWY_MAX_BYTES == 32
  return hn::BitCast(du, hn::Combine(db, part(1), part(0)));
#else
  return hn::BitCast(du, part(0));
#endif
}

HWY_INLINE U InterleaveLower64(U a, U b) {
  const hn::Repartition<std::uint64_t, D> d64;
  return hn::BitCast(du, hn::InterleaveLower(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
}
HWY_INLINE U InterleaveUpper64(U a, U b) {
  const hn::Repartition<std::uint64_t, D> d64;
  return hn::BitCast(du, hn::InterleaveUpper(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
}

// out[i], lane r: bytes at + 4 i .. at + 4 i + 3 of row r, i < 4.
HWY_INLINE void LoadColumns(const StoredRows& rows, std::size_t at, U* HWY_RESTRICT out) {
  const U a = LoadParts<0>(rows, at), b = LoadParts<1>(rows, at), c = LoadParts<2>(rows, at),
          e = LoadParts<3>(rows, at);
  const U ab = hn::InterleaveLower(du, a, b), ce = hn::InterleaveLower(du, c, e);
  const U ab_high = hn::InterleaveUpper(du, a, b), ce_high = hn::InterleaveUpper(du, c, e);
  out[0] = InterleaveLower64(ab, ce);
  out[1] = InterleaveUpper64(ab, ce);
  out[2] = InterleaveLower64(ab_high, ce_high);
  out[3] = InterleaveUpper64(ab_high, ce_high);
}

HWY_INLINE U And(U v, std::uint32_t mask) { return hn::And(v, hn::Set(du, mask)); }
template <int kBits>
HWY_INLINE U Right(U v) {
  if constexpr (kBits == 0)
    return v;
  else
    return hn::ShiftRight<kBits>(v);
}
HWY_INLINE U AddToBytes(U v, int number) {
  return hn::BitCast(du, hn::Add(hn::BitCast(db, v), hn::Set(db, static_cast<std::uint8_t>(number))));
}
inline constexpr std::uint32_t kNibbles = 0x0f0f0f0f;

// binary16 in the lower or upper half of each lane.
HWY_INLINE V HalfToFloat(U bits) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<hwy::float16_t, D> d_half;
  return hn::PromoteTo(d, hn::BitCast(d_half, hn::DemoteTo(d16, hn::BitCast(di, bits))));
}
HWY_INLINE V LowHalf(U v) { return HalfToFloat(And(v, 0xffff)); }
HWY_INLINE V HighHalf(U v) { return HalfToFloat(hn::ShiftRight<16>(v)); }
HWY_INLINE V ToFloat(U v) { return hn::ConvertTo(d, hn::BitCast(di, v)); }

// Bytes at .. at + 3 of each row.
HWY_INLINE U LoadColumn(const StoredRows& rows, std::size_t at) {
  U columns[4];
  LoadColumns(rows, at, columns);
  return columns[0];
}

// The binary16 at `at` of each row.
#if HWY_ARCH_X86
HWY_INLINE int TwoBytes(const std::byte* p) {
  std::uint16_t value;
  std::memcpy(&value, p, 2);
  return value;
}
// Fewer operations of the shuffle unit, which these kernels keep busy, than a column of which half is thrown away.
template <std::size_t kFirst>
HWY_INLINE __m128i LoadFourHalves(const StoredRows& rows, std::size_t at) {
  __m128i v = _mm_cvtsi32_si128(TwoBytes(rows.Row<kFirst>() + at));
  v = _mm_insert_epi16(v, TwoBytes(rows.Row<kFirst + 1>() + at), 1);
  v = _mm_insert_epi16(v, TwoBytes(rows.Row<kFirst + 2>() + at), 2);
  return _mm_insert_epi16(v, TwoBytes(rows.Row<kFirst + 3>() + at), 3);
}
HWY_INLINE V LoadHalves(const StoredRows& rows, std::size_t at) {
#if HWY_MAX_BYTES >= 64
  const __m128i low = _mm_unpacklo_epi64(LoadFourHalves<0>(rows, at), LoadFourHalves<4>(rows, at));
  const __m128i high = _mm_unpacklo_epi64(LoadFourHalves<8>(rows, at), LoadFourHalves<12>(rows, at));
  return V{_mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1))};
#elif HWY_MAX_BYTES == 32
  return V{_mm256_cvtph_ps(_mm_unpacklo_epi64(LoadFourHalves<0>(rows, at), LoadFourHalves<4>(rows, at)))};
#else
  const hn::Rebind<hwy::float16_t, D> d_half;
  return hn::PromoteTo(d, hn::Vec<decltype(d_half)>{LoadFourHalves<0>(rows, at)});
#endif
}
#else
HWY_INLINE V LoadHalves(const StoredRows& rows, std::size_t at) { return LowHalf(LoadColumn(rows, at)); }
#endif

// A panel of kLanes rows of format F, repacked by columns: of each stored block, after one another, the words of all rows
// (four bytes of each, from byte kWordsAt on), and behind those of all blocks the kTailBytes bytes of each row that are no
// whole word. It is read as StoredRows are, but nothing has to be turned.
template <class F>
struct PanelRows {
  const std::uint32_t* words;
  const std::byte* tails;

  HWY_INLINE PanelRows(const std::byte* panel, std::size_t stored_blocks)
      : words(reinterpret_cast<const std::uint32_t*>(panel)),
        tails(panel + stored_blocks * F::kWords * kLanes * sizeof(std::uint32_t)) {}
  HWY_INLINE void Advance(std::size_t) {
    words += F::kWords * kLanes;
    tails += F::kTailBytes * kLanes;
  }
};

template <class F>
HWY_INLINE U LoadColumn(const PanelRows<F>& rows, std::size_t at) {
  return hn::Load(du, rows.words + (at - F::kWordsAt) / 4 * kLanes);
}

// binary16 numbers of kLanes rows, one after the other.
HWY_INLINE V HalvesAt(const void* p) {
  const hn::Rebind<hwy::float16_t, D> d_half;
  return hn::PromoteTo(d, hn::LoadU(d_half, static_cast<const hwy::float16_t*>(p)));
}
template <class F>
HWY_INLINE V LoadHalves(const PanelRows<F>& rows, std::size_t at) {
  if (F::kTailBytes != 0) return HalvesAt(rows.tails);
  const U both = LoadColumn(rows, at / 4 * 4);
  return at % 4 == 0 ? LowHalf(both) : HighHalf(both);
}

// kVectors columns from byte `at` of the rows on, four bytes a column: loaded at once where rows have to be turned, when
// they are used where a panel has them as they are.
template <class Rows, std::size_t kVectors>
struct Columns {
  static_assert(kVectors % 4 == 0);
  U v[kVectors];

  HWY_INLINE Columns(const Rows& rows, std::size_t at) {
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < kVectors; i += 4) LoadColumns(rows, at + 4 * i, v + i);
  }
  HWY_INLINE U operator[](std::size_t i) const { return v[i]; }
};
template <class F, std::size_t kVectors>
struct Columns<PanelRows<F>, kVectors> {
  const std::uint32_t* words;

  HWY_INLINE Columns(const PanelRows<F>& rows, std::size_t at) : words(rows.words + (at - F::kWordsAt) / 4 * kLanes) {}
  HWY_INLINE U operator[](std::size_t i) const { return hn::Load(du, words + i * kLanes); }
};

// A format says how its stored block of kBlocks * 32 weights becomes whole numbers (int8.h):
//   kBias               weights are loaded as bytes w + kBias, none of them negative; or as signed bytes, kSigned
//   kLargest            the largest magnitude of w
//   kSteps              scales of 32 weights
//   kShifted            has a shift
//   LoadScales(rows, scales, shifts): kBlocks * kSteps vectors of scales, kBlocks of shifts, one after the other
//   Packed<Rows>(rows, group): the bytes of kTogether of its blocks
//   Weight<i>(packed, group, g): of the i-th of these blocks, lane r: weights 4 g .. 4 g + 3 of row r
// `rows` are StoredRows at the stored block, or PanelRows<F>. A format that is repacked by columns (PanelRows) also says
// where its stored block has words, and where the bytes that are left:
//   kWordsAt, kWords, kTailAt, kTailBytes
inline constexpr int kSigned = 128;

struct PlainBlock {
  static constexpr std::size_t kBlocks = 1, kSteps = 1, kTogether = 1;
  static constexpr bool kShifted = false;
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float*) {
    hn::Store(LoadHalves(rows, 0), d, scales);
  }
};

struct Int8Q8_0 : PlainBlock {
  static constexpr Format kFormat = Format::q8_0;
  static constexpr int kBias = kSigned, kLargest = 128;
  template <class Rows>
  struct Packed {
    Columns<Rows, 8> bytes;
    HWY_INLINE Packed(const Rows& rows, std::size_t) : bytes(rows, 2) {}
  };
  template <std::size_t, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t, std::size_t g) {
    return packed.bytes[g];
  }
};

// Blocks whose last sixteen bytes are nibbles, the lower ones first.
template <Format kWhich, std::size_t kNibblesAt>
struct NibbleBlock : PlainBlock {
  static constexpr Format kFormat = kWhich;
  template <class Rows>
  struct Packed {
    Columns<Rows, 4> nibbles;
    HWY_INLINE Packed(const Rows& rows, std::size_t) : nibbles(rows, kNibblesAt) {}
  };
  template <std::size_t, class AnyPacked>
  static HWY_INLINE U Weight(const AnyPacked& packed, std::size_t, std::size_t g) {
    const U both = packed.nibbles[g % 4];
    return And(g < 4 ? both : hn::ShiftRight<4>(both), kNibbles);
  }
  static HWY_INLINE U Number(U nibbles) { return nibbles; }  // what nibbles stand for
};

struct Int8Q4_0 : NibbleBlock<Format::q4_0, 2> {
  static constexpr int kBias = 8, kLargest = 8;
};

// A scale and a shift, both binary16, before the weights.
struct ScaleAndShift {
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float* shifts) {
    hn::Store(LoadHalves(rows, 0), d, scales);
    hn::Store(LoadHalves(rows, 2), d, shifts);
  }
};

struct Int8Q4_1 : NibbleBlock<Format::q4_1, 4> {
  static constexpr int kBias = 0, kLargest = 15;
  static constexpr bool kShifted = true;
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float* shifts) {
    ScaleAndShift::LoadScales(rows, scales, shifts);
  }
};

// What nibbles stand for, by a table of sixteen signed bytes.
HWY_INLINE U LookUp(const std::array<std::int8_t, 16>& values, U nibbles) {
  const auto table = hn::LoadDup128(db, reinterpret_cast<const std::uint8_t*>(values.data()));
  return hn::BitCast(du, hn::TableLookupBytes(table, hn::BitCast(db, nibbles)));
}

struct Int8IQ4_NL : NibbleBlock<Format::iq4_nl, 2> {
  static constexpr int kBias = kSigned, kLargest = 127;
  template <std::size_t, class AnyPacked>
  static HWY_INLINE U Weight(const AnyPacked& packed, std::size_t, std::size_t g) {
    return Number(NibbleBlock::Weight<0>(packed, 0, g));
  }
  static HWY_INLINE U Number(U nibbles) { return LookUp(kIq4Values, nibbles); }
};

struct Int8MXFP4 : NibbleBlock<Format::mxfp4, 1> {
  static constexpr std::size_t kWordsAt = 1, kWords = 4, kTailAt = 0, kTailBytes = 1;
  static constexpr int kBias = kSigned, kLargest = 12;
  template <std::size_t, class AnyPacked>
  static HWY_INLINE U Weight(const AnyPacked& packed, std::size_t, std::size_t g) {
    return LookUp(kMxfp4Values, NibbleBlock::Weight<0>(packed, 0, g));
  }
  // Powers of two (mxfp4_scale), by their exponents.
  static HWY_INLINE V Scales(U e) {
    const U normal = hn::ShiftLeft<23>(hn::Sub(e, hn::Set(du, 1)));
    const U small = hn::IfThenElse(hn::Eq(e, hn::Zero(du)), hn::Set(du, 0x00200000u), hn::Set(du, 0x00400000u));
    return hn::BitCast(d, hn::IfThenElse(hn::Lt(e, hn::Set(du, 2)), small, normal));
  }
  static HWY_INLINE void LoadScales(const StoredRows& rows, float* scales, float*) {
    HWY_ALIGN std::uint32_t exponents[kLanes];
    for (std::size_t r = 0; r < kLanes; ++r) {
      exponents[r] = std::to_integer<std::uint32_t>(rows.quarter[r / 4][r % 4 * rows.stride]);
    }
    hn::Store(Scales(hn::Load(du, exponents)), d, scales);
  }
  static HWY_INLINE void LoadScales(const PanelRows<Int8MXFP4>& rows, float* scales, float*) {
    const hn::Rebind<std::uint8_t, D> d8;
    hn::Store(Scales(hn::PromoteTo(du, hn::LoadU(d8, reinterpret_cast<const std::uint8_t*>(rows.tails)))), d, scales);
  }
};

// With a fifth bit of each weight in the four bytes before the nibbles: bit i belongs to weight i.
template <Format kWhich, std::size_t kNibblesAt>
struct FiveBitBlock : NibbleBlock<kWhich, kNibblesAt> {
  using Nibbles = NibbleBlock<kWhich, kNibblesAt>;
  template <class Rows>
  struct Packed : Nibbles::template Packed<Rows> {
    U bits;
    HWY_INLINE Packed(const Rows& rows, std::size_t)
        : Nibbles::template Packed<Rows>(rows, 0), bits(LoadColumn(rows, kNibblesAt - 4)) {}
  };
  template <std::size_t, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t, std::size_t g) {
    alignas(16) static constexpr std::uint8_t kOwnByte[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    const auto index = hn::Add(hn::LoadDup128(db, kOwnByte), hn::Set(db, static_cast<std::uint8_t>(g / 2)));
    const auto four = hn::BitCast(db, hn::Set(du, g % 2 == 0 ? 0x08040201u : 0x80402010u));
    const auto own = hn::TableLookupBytes(hn::BitCast(db, packed.bits), index);
    const auto fifth = hn::IfThenElseZero(hn::TestBit(own, four), hn::Set(db, 16));
    return hn::Or(Nibbles::template Weight<0>(packed, 0, g), hn::BitCast(du, fifth));
  }
};

struct Int8Q5_0 : FiveBitBlock<Format::q5_0, 6> {
  static constexpr std::size_t kWordsAt = 2, kWords = 5, kTailAt = 0, kTailBytes = 2;
  static constexpr int kBias = 16, kLargest = 16;
};

struct Int8Q5_1 : FiveBitBlock<Format::q5_1, 8> {
  static constexpr std::size_t kWordsAt = 0, kWords = 6, kTailAt = 0, kTailBytes = 0;
  static constexpr int kBias = 0, kLargest = 31;
  static constexpr bool kShifted = true;
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float* shifts) {
    ScaleAndShift::LoadScales(rows, scales, shifts);
  }
};

// Byte kByte of each lane, as a number.
template <int kByte>
HWY_INLINE V ByteToFloat(U v) {
  if constexpr (kByte == 3) return ToFloat(hn::ShiftRight<24>(v));
  return ToFloat(And(Right<8 * kByte>(v), 255));
}
// The same of signed bytes, times 2^24.
template <int kByte>
HWY_INLINE V SignedByteOnTop(U v) {
  if constexpr (kByte == 0) return ToFloat(hn::ShiftLeft<24>(v));
  return ToFloat(And(hn::ShiftLeft<24 - 8 * kByte>(v), 0xff000000u));
}

// The eight scales and offsets of quant/k_scales.h, times the block's two factors: the block's first 16 bytes.
struct KBlock {
  static constexpr std::size_t kBlocks = 8, kSteps = 1, kTogether = 2;
  static constexpr bool kShifted = true;

  // The four scales in the bytes of `bytes`.
  static HWY_INLINE void StoreFour(U bytes, V factor, float* out) {
    hn::Store(hn::Mul(factor, ByteToFloat<0>(bytes)), d, out);
    hn::Store(hn::Mul(factor, ByteToFloat<1>(bytes)), d, out + kLanes);
    hn::Store(hn::Mul(factor, ByteToFloat<2>(bytes)), d, out + 2 * kLanes);
    hn::Store(hn::Mul(factor, ByteToFloat<3>(bytes)), d, out + 3 * kLanes);
  }
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float* shifts) {
    const Columns<Rows, 4> c(rows, 0);
    const V factor = LowHalf(c[0]), offset_factor = hn::Neg(HighHalf(c[0]));
    constexpr std::uint32_t kSixBits = 0x3f3f3f3f, kTwoBits = 0x30303030;
    StoreFour(And(c[1], kSixBits), factor, scales);
    StoreFour(And(c[2], kSixBits), offset_factor, shifts);
    StoreFour(hn::Or(And(c[3], kNibbles), And(hn::ShiftRight<2>(c[1]), kTwoBits)), factor, scales + 4 * kLanes);
    StoreFour(hn::Or(And(hn::ShiftRight<4>(c[3]), kNibbles), And(hn::ShiftRight<2>(c[2]), kTwoBits)), offset_factor,
              shifts + 4 * kLanes);
  }
};

struct Int8Q4_K : KBlock {
  static constexpr Format kFormat = Format::q4_k;
  static constexpr std::size_t kWordsAt = 0, kWords = 36, kTailAt = 0, kTailBytes = 0;
  static constexpr int kBias = 0, kLargest = 15;
  template <class Rows>
  struct Packed {
    Columns<Rows, 8> nibbles;
    HWY_INLINE Packed(const Rows& rows, std::size_t group) : nibbles(rows, 16 + 32 * group) {}
  };
  template <std::size_t kPart, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t, std::size_t g) {
    return And(Right<4 * kPart>(packed.nibbles[g]), kNibbles);
  }
};

struct Int8Q5_K : KBlock {
  static constexpr Format kFormat = Format::q5_k;
  static constexpr std::size_t kWordsAt = 0, kWords = 44, kTailAt = 0, kTailBytes = 0;
  static constexpr int kBias = 0, kLargest = 31;
  template <class Rows>
  struct Packed {
    Columns<Rows, 8> nibbles, bits;
    HWY_INLINE Packed(const Rows& rows, std::size_t group) : nibbles(rows, 48 + 32 * group), bits(rows, 16) {}
  };
  template <std::size_t kPart, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t group, std::size_t g) {
    const auto own = hn::Set(db, static_cast<std::uint8_t>(1u << (2 * group + kPart)));
    const auto fifth = hn::IfThenElseZero(hn::TestBit(hn::BitCast(db, packed.bits[g]), own), hn::Set(db, 16));
    return hn::Or(And(Right<4 * kPart>(packed.nibbles[g]), kNibbles), hn::BitCast(du, fifth));
  }
};

struct Int8Q6_K {
  static constexpr Format kFormat = Format::q6_k;
  static constexpr std::size_t kWordsAt = 0, kWords = 52, kTailAt = 208, kTailBytes = 2;
  static constexpr std::size_t kBlocks = 8, kSteps = 2, kTogether = 4;
  static constexpr int kBias = 32, kLargest = 32;
  static constexpr bool kShifted = false;
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float*) {
    const Columns<Rows, 4> packed(rows, 192);
    const V factor = hn::Mul(LoadHalves(rows, 208), hn::Set(d, 0x1p-24f));
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i, scales += 4 * kLanes) {
      hn::Store(hn::Mul(factor, SignedByteOnTop<0>(packed[i])), d, scales);
      hn::Store(hn::Mul(factor, SignedByteOnTop<1>(packed[i])), d, scales + kLanes);
      hn::Store(hn::Mul(factor, SignedByteOnTop<2>(packed[i])), d, scales + 2 * kLanes);
      hn::Store(hn::Mul(factor, SignedByteOnTop<3>(packed[i])), d, scales + 3 * kLanes);
    }
  }
  template <class Rows>
  struct Packed {
    Columns<Rows, 16> nibbles;
    Columns<Rows, 8> bits;
    HWY_INLINE Packed(const Rows& rows, std::size_t group) : nibbles(rows, 64 * group), bits(rows, 128 + 32 * group) {}
  };
  template <std::size_t kPart, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t, std::size_t g) {
    const U bits = packed.bits[g];
    // Bits 2 kPart and the next one go to bits 4 and 5.
    constexpr int kLeft = 4 - 2 * static_cast<int>(kPart);
    U upper;
    if constexpr (kLeft >= 0) {
      upper = hn::ShiftLeft<kLeft>(bits);
    } else {
      upper = hn::ShiftRight<-kLeft>(bits);
    }
    const U lower = And(Right<kPart / 2 * 4>(packed.nibbles[kPart % 2 * 8 + g]), kNibbles);
    return hn::Or(lower, And(upper, 0x30303030));
  }
};

struct Int8Q3_K {
  static constexpr Format kFormat = Format::q3_k;
  static constexpr std::size_t kWordsAt = 0, kWords = 27, kTailAt = 108, kTailBytes = 2;
  static constexpr std::size_t kBlocks = 8, kSteps = 2, kTogether = 4;
  static constexpr int kBias = 4, kLargest = 4;
  static constexpr bool kShifted = false;
  // q3_k_scale of quant/q3_k.h, four at a time.
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float*) {
    U c[4];  // the last three
    LoadLastColumns(rows, c);
    const V factor = LoadHalves(rows, 108);
    constexpr std::uint32_t kTwoBits = 0x30303030;
    const U four[4] = {hn::Or(And(c[1], kNibbles), And(hn::ShiftLeft<4>(c[3]), kTwoBits)),
                       hn::Or(And(c[2], kNibbles), And(hn::ShiftLeft<2>(c[3]), kTwoBits)),
                       hn::Or(And(hn::ShiftRight<4>(c[1]), kNibbles), And(c[3], kTwoBits)),
                       hn::Or(And(hn::ShiftRight<4>(c[2]), kNibbles), And(hn::ShiftRight<2>(c[3]), kTwoBits))};
    const V middle = hn::Set(d, 32.0f);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i, scales += 4 * kLanes) {
      hn::Store(hn::Mul(factor, hn::Sub(ByteToFloat<0>(four[i]), middle)), d, scales);
      hn::Store(hn::Mul(factor, hn::Sub(ByteToFloat<1>(four[i]), middle)), d, scales + kLanes);
      hn::Store(hn::Mul(factor, hn::Sub(ByteToFloat<2>(four[i]), middle)), d, scales + 2 * kLanes);
      hn::Store(hn::Mul(factor, hn::Sub(ByteToFloat<3>(four[i]), middle)), d, scales + 3 * kLanes);
    }
  }
  // Bytes 92 .. 107 of each row: sixteen bytes from a later one on would pass the block's end.
  static HWY_INLINE void LoadLastColumns(const StoredRows& rows, U* HWY_RESTRICT out) { LoadColumns(rows, 92, out); }
  static HWY_INLINE void LoadLastColumns(const PanelRows<Int8Q3_K>& rows, U* HWY_RESTRICT out) {
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i) out[i] = LoadColumn(rows, 92 + 4 * i);
  }
  template <class Rows>
  struct Packed {
    Columns<Rows, 8> high, low;
    HWY_INLINE Packed(const Rows& rows, std::size_t group) : high(rows, 0), low(rows, 32 + 32 * group) {}
  };
  template <std::size_t kPart, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t group, std::size_t g) {
    const auto own = hn::Set(db, static_cast<std::uint8_t>(1u << (4 * group + kPart)));
    const auto third = hn::IfThenElseZero(hn::TestBit(hn::BitCast(db, packed.high[g]), own), hn::Set(db, 4));
    return hn::Or(And(Right<2 * kPart>(packed.low[g]), 0x03030303), hn::BitCast(du, third));
  }
};

struct Int8IQ4_XS {
  static constexpr Format kFormat = Format::iq4_xs;
  static constexpr std::size_t kWordsAt = 0, kWords = 34, kTailAt = 0, kTailBytes = 0;
  static constexpr std::size_t kBlocks = 8, kSteps = 1, kTogether = 1;
  static constexpr int kBias = kSigned, kLargest = 127;
  static constexpr bool kShifted = false;
  // iq4_xs_scale of quant/iq4_xs.h.
  template <class Rows>
  static HWY_INLINE void LoadScales(const Rows& rows, float* scales, float*) {
    const U first = LoadColumn(rows, 0), low = LoadColumn(rows, 4), high = hn::ShiftRight<16>(first);
    const V factor = LowHalf(first), middle = hn::Set(d, 32.0f);
    CONTINUO_UNROLL
    for (int part = 0; part < 8; ++part) {
      const U nibble = And(hn::ShiftRightSame(low, 4 * part), 15), two = And(hn::ShiftRightSame(high, 2 * part), 3);
      const V scale = hn::Sub(ToFloat(hn::Or(nibble, hn::ShiftLeft<4>(two))), middle);
      hn::Store(hn::Mul(factor, scale), d, scales + static_cast<std::size_t>(part) * kLanes);
    }
  }
  template <class Rows>
  struct Packed {
    Columns<Rows, 4> nibbles;
    HWY_INLINE Packed(const Rows& rows, std::size_t group) : nibbles(rows, 8 + 16 * group) {}
  };
  template <std::size_t, class Rows>
  static HWY_INLINE U Weight(const Packed<Rows>& packed, std::size_t, std::size_t g) {
    const U both = packed.nibbles[g % 4];
    return LookUp(kIq4Values, And(g < 4 ? both : hn::ShiftRight<4>(both), kNibbles));
  }
};

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
