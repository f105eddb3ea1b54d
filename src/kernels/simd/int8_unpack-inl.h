// Block formats as whole numbers with output rows in the lanes: what int8-inl.h multiplies.
#if defined(CONTINUO_SIMD_INT8_UNPACK_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_UNPACK_INL_H
#undef CONTINUO_SIMD_INT8_UNPACK_INL_H
#else
#define CONTINUO_SIMD_INT8_UNPACK_INL_H
#endif

#include <cstdint>
#include <cstring>

#include "kernels/simd/common-inl.h"
#include "quant/format.h"
#include "quant/iq4_nl.h"

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

// A format says how its stored block of kBlocks * 32 weights becomes whole numbers (int8.h):
//   kBias               weights are loaded as bytes w + kBias, none of them negative; or as signed bytes, kSigned
//   kLargest            the largest magnitude of w
//   kSteps              scales of 32 weights
//   kShifted            has a shift
//   LoadScales(rows, at, scales, shifts): of the stored block at byte `at` of each row, kBlocks * kSteps vectors of
//   scales,
//                       kBlocks of shifts, one after the other
//   Packed, LoadPacked(rows, at, group): the bytes of kTogether of its blocks
//   Weights<i>(packed, group, w): of the i-th of these blocks, w[g], lane r: weights 4 g .. 4 g + 3 of row r
inline constexpr int kSigned = 128;

template <std::size_t kVectors>
struct Columns {
  U v[kVectors];
};

struct PlainBlock {
  static constexpr std::size_t kBlocks = 1, kSteps = 1, kTogether = 1;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(const StoredRows& rows, std::size_t at, float* scales, float*) {
    hn::Store(LoadHalves(rows, at), d, scales);
  }
};

struct Int8Q8_0 : PlainBlock {
  static constexpr Format kFormat = Format::q8_0;
  static constexpr int kBias = kSigned, kLargest = 128;
  using Packed = Columns<8>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t) {
    Packed packed;
    LoadColumns(rows, at + 2, packed.v);
    LoadColumns(rows, at + 18, packed.v + 4);
    return packed;
  }
  template <std::size_t>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = packed.v[g];
  }
};

// Blocks whose last sixteen bytes are nibbles, the lower ones first.
template <Format kWhich, std::size_t kNibblesAt>
struct NibbleBlock : PlainBlock {
  static constexpr Format kFormat = kWhich;
  using Packed = Columns<4>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t) {
    Packed packed;
    LoadColumns(rows, at + kNibblesAt, packed.v);
    return packed;
  }
  template <std::size_t>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i) {
      w[i] = And(packed.v[i], kNibbles);
      w[i + 4] = And(hn::ShiftRight<4>(packed.v[i]), kNibbles);
    }
  }
  static HWY_INLINE U Number(U nibbles) { return nibbles; }  // what nibbles stand for
};

struct Int8Q4_0 : NibbleBlock<Format::q4_0, 2> {
  static constexpr int kBias = 8, kLargest = 8;
};

struct Int8Q4_1 : NibbleBlock<Format::q4_1, 4> {
  static constexpr int kBias = 0, kLargest = 15;
  static constexpr bool kShifted = true;
  static HWY_INLINE void LoadScales(const StoredRows& rows, std::size_t at, float* scales, float* shifts) {
    hn::Store(LoadHalves(rows, at), d, scales);
    hn::Store(LoadHalves(rows, at + 2), d, shifts);
  }
};

struct Int8IQ4_NL : NibbleBlock<Format::iq4_nl, 2> {
  static constexpr int kBias = kSigned, kLargest = 127;
  template <std::size_t>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    NibbleBlock::Weights<0>(packed, 0, w);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = Number(w[g]);
  }
  static HWY_INLINE U Number(U nibbles) {
    const auto table = hn::LoadDup128(db, reinterpret_cast<const std::uint8_t*>(kIq4Values.data()));
    return hn::BitCast(du, hn::TableLookupBytes(table, hn::BitCast(db, nibbles)));
  }
};

// With a fifth bit of each weight in the four bytes before the nibbles: bit i belongs to weight i.
template <Format kWhich, std::size_t kNibblesAt>
struct FiveBitBlock : NibbleBlock<kWhich, kNibblesAt> {
  using Nibbles = NibbleBlock<kWhich, kNibblesAt>;
  using Packed = Columns<5>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t) {
    Packed packed;
    LoadColumns(rows, at + kNibblesAt, packed.v);
    packed.v[4] = LoadColumn(rows, at + kNibblesAt - 4);
    return packed;
  }
  template <std::size_t>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    Nibbles::template Weights<0>({{packed.v[0], packed.v[1], packed.v[2], packed.v[3]}}, 0, w);
    alignas(16) static constexpr std::uint8_t kOwnByte[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    const auto bits = hn::BitCast(db, packed.v[4]), own_byte = hn::LoadDup128(db, kOwnByte);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      const auto index = hn::Add(own_byte, hn::Set(db, static_cast<std::uint8_t>(g / 2)));
      const auto four = hn::BitCast(db, hn::Set(du, g % 2 == 0 ? 0x08040201u : 0x80402010u));
      const auto fifth = hn::IfThenElseZero(hn::TestBit(hn::TableLookupBytes(bits, index), four), hn::Set(db, 16));
      w[g] = hn::Or(w[g], hn::BitCast(du, fifth));
    }
  }
};

struct Int8Q5_0 : FiveBitBlock<Format::q5_0, 6> {
  static constexpr int kBias = 16, kLargest = 16;
};

struct Int8Q5_1 : FiveBitBlock<Format::q5_1, 8> {
  static constexpr int kBias = 0, kLargest = 31;
  static constexpr bool kShifted = true;
  static HWY_INLINE void LoadScales(const StoredRows& rows, std::size_t at, float* scales, float* shifts) {
    Int8Q4_1::LoadScales(rows, at, scales, shifts);
  }
};

// The lower (kUpper 0) or upper nibbles of eight vectors.
template <int kUpper>
HWY_INLINE void UnpackNibbles(const U* HWY_RESTRICT packed, U* HWY_RESTRICT w) {
  CONTINUO_UNROLL
  for (std::size_t g = 0; g < 8; ++g) w[g] = And(Right<4 * kUpper>(packed[g]), kNibbles);
}

// The eight scales and offsets of quant/k_scales.h, times the block's two factors: the block's first 16 bytes.
struct KBlock {
  static constexpr std::size_t kBlocks = 8, kSteps = 1, kTogether = 2;
  static constexpr bool kShifted = true;

  template <std::size_t kPart>
  static HWY_INLINE void StorePart(const U (&c)[4], V factor, V offset_factor, float* scales, float* shifts) {
    constexpr int kByte = static_cast<int>(kPart % 4) * 8;
    U scale, offset;
    if constexpr (kPart < 4) {
      scale = And(Right<kByte>(c[1]), 63);
      offset = And(Right<kByte>(c[2]), 63);
    } else {
      scale = hn::Or(And(Right<kByte>(c[3]), 15), hn::ShiftLeft<4>(And(Right<kByte + 6>(c[1]), 3)));
      offset = hn::Or(And(Right<kByte + 4>(c[3]), 15), hn::ShiftLeft<4>(And(Right<kByte + 6>(c[2]), 3)));
    }
    hn::Store(hn::Mul(factor, ToFloat(scale)), d, scales + kPart * kLanes);
    hn::Store(hn::Neg(hn::Mul(offset_factor, ToFloat(offset))), d, shifts + kPart * kLanes);
  }
  static HWY_INLINE void LoadScales(const StoredRows& rows, std::size_t at, float* scales, float* shifts) {
    U c[4];
    LoadColumns(rows, at, c);
    const V factor = LowHalf(c[0]), offset_factor = HighHalf(c[0]);
    StorePart<0>(c, factor, offset_factor, scales, shifts);
    StorePart<1>(c, factor, offset_factor, scales, shifts);
    StorePart<2>(c, factor, offset_factor, scales, shifts);
    StorePart<3>(c, factor, offset_factor, scales, shifts);
    StorePart<4>(c, factor, offset_factor, scales, shifts);
    StorePart<5>(c, factor, offset_factor, scales, shifts);
    StorePart<6>(c, factor, offset_factor, scales, shifts);
    StorePart<7>(c, factor, offset_factor, scales, shifts);
  }
};

struct Int8Q4_K : KBlock {
  static constexpr Format kFormat = Format::q4_k;
  static constexpr int kBias = 0, kLargest = 15;
  using Packed = Columns<8>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t group) {
    Packed packed;
    LoadColumns(rows, at + 16 + 32 * group, packed.v);
    LoadColumns(rows, at + 32 + 32 * group, packed.v + 4);
    return packed;
  }
  template <std::size_t kPart>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    UnpackNibbles<kPart>(packed.v, w);
  }
};

struct Int8Q5_K : KBlock {
  static constexpr Format kFormat = Format::q5_k;
  static constexpr int kBias = 0, kLargest = 31;
  using Packed = Columns<16>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t group) {
    Packed packed;
    LoadColumns(rows, at + 48 + 32 * group, packed.v);
    LoadColumns(rows, at + 64 + 32 * group, packed.v + 4);
    LoadColumns(rows, at + 16, packed.v + 8);
    LoadColumns(rows, at + 32, packed.v + 12);
    return packed;
  }
  template <std::size_t kPart>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t group, U* HWY_RESTRICT w) {
    UnpackNibbles<kPart>(packed.v, w);
    const int part = static_cast<int>(2 * group + kPart);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      const U bit = And(hn::ShiftRightSame(packed.v[8 + g], part), 0x01010101);
      w[g] = hn::Or(w[g], hn::ShiftLeft<4>(bit));
    }
  }
};

struct Int8Q6_K {
  static constexpr Format kFormat = Format::q6_k;
  static constexpr std::size_t kBlocks = 8, kSteps = 2, kTogether = 4;
  static constexpr int kBias = 32, kLargest = 32;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(const StoredRows& rows, std::size_t at, float* scales, float*) {
    U packed[4];
    LoadColumns(rows, at + 192, packed);
    const V factor = LoadHalves(rows, at + 208);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 16; ++i) {
      const auto byte_on_top = hn::ShiftLeftSame(hn::BitCast(di, packed[i / 4]), static_cast<int>(24 - 8 * (i % 4)));
      hn::Store(hn::Mul(factor, hn::ConvertTo(d, hn::ShiftRight<24>(byte_on_top))), d, scales + i * kLanes);
    }
  }
  using Packed = Columns<24>;
  static HWY_INLINE Packed LoadPacked(const StoredRows& rows, std::size_t at, std::size_t group) {
    Packed packed;
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 4; ++i) LoadColumns(rows, at + 64 * group + 16 * i, packed.v + 4 * i);
    LoadColumns(rows, at + 128 + 32 * group, packed.v + 16);
    LoadColumns(rows, at + 144 + 32 * group, packed.v + 20);
    return packed;
  }
  template <std::size_t kPart>
  static HWY_INLINE void Weights(const Packed& packed, std::size_t, U* HWY_RESTRICT w) {
    UnpackNibbles<kPart / 2>(packed.v + kPart % 2 * 8, w);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      const U bits = And(Right<2 * kPart>(packed.v[16 + g]), 0x03030303);
      w[g] = hn::Or(w[g], hn::ShiftLeft<4>(bits));
    }
  }
};

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
