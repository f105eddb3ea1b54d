// Block formats as whole numbers with output rows in the lanes: what int8-inl.h multiplies.
#if defined(CONTINUO_SIMD_INT8_UNPACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_UNPACK_INL_H
#undef CONTINUO_SIMD_INT8_UNPACK_INL_H
#else
#define CONTINUO_SIMD_INT8_UNPACK_INL_H
#endif

#include <cstdint>

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

// kLanes rows of stored weights: where each begins.
using RowsAt = const std::byte* const (&)[kLanes];

// Sixteen bytes from `at` on of the rows first, first + 4, first + 8, ...: a vector's 128-bit parts.
template <std::size_t kFirst>
HWY_INLINE U LoadParts(RowsAt rows, std::size_t at) {
  const hn::CappedTag<std::uint8_t, 16> d16;
  const auto part = [&](std::size_t i) HWY_ATTR {
    return hn::LoadU(d16, reinterpret_cast<const std::uint8_t*>(rows[kFirst + 4 * i] + at));
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
HWY_INLINE void LoadColumns(RowsAt rows, std::size_t at, U* HWY_RESTRICT out) {
  const U a = LoadParts<0>(rows, at), b = LoadParts<1>(rows, at), c = LoadParts<2>(rows, at), e = LoadParts<3>(rows, at);
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
  if constexpr (kBits == 0) return v;
  else return hn::ShiftRight<kBits>(v);
}
HWY_INLINE U SubtractFromBytes(U v, std::uint8_t number) {
  return hn::BitCast(du, hn::Sub(hn::BitCast(db, v), hn::Set(db, number)));
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

// Sixteen bytes of nibbles: w[0 .. 3] the lower ones, w[4 .. 7] the upper.
HWY_INLINE void LoadNibbles(RowsAt rows, std::size_t at, U* HWY_RESTRICT w) {
  U packed[4];
  LoadColumns(rows, at, packed);
  CONTINUO_UNROLL
  for (std::size_t i = 0; i < 4; ++i) {
    w[i] = And(packed[i], kNibbles);
    w[i + 4] = And(hn::ShiftRight<4>(packed[i]), kNibbles);
  }
}

// Adds 16 to the bytes whose bit in `bits` is set: bit i belongs to number i of 32.
HWY_INLINE void AddFifthBits(U bits, U* HWY_RESTRICT w) {
  // Four neighbouring bits, times 1 + 2^7 + 2^14 + 2^21, are the lowest bits of the four bytes.
  const U spread = hn::Set(du, 0x00204081u);
  CONTINUO_UNROLL
  for (std::size_t g = 0; g < 8; ++g) {
    const U four = And(hn::ShiftRightSame(bits, static_cast<int>(4 * g)), 15);
    w[g] = hn::Or(w[g], hn::ShiftLeft<4>(And(hn::Mul(four, spread), 0x01010101)));
  }
}

// A format says how its stored block of kBlocks * 32 weights becomes whole numbers (int8.h):
//   kLargest            the largest magnitude of a whole number
//   kSteps              scales of 32 weights
//   kShifted            has a shift
//   LoadScales(rows, at, scales, shifts): of the stored block at byte `at` of each row, kBlocks * kSteps vectors of scales,
//                       kBlocks of shifts, one after the other
//   LoadWeights(rows, at, part, w): of its block `part`, w[g], lane r: weights 4 g .. 4 g + 3 of row r, int8
struct PlainBlock {
  static constexpr std::size_t kBlocks = 1, kSteps = 1;
  static HWY_INLINE U Header(RowsAt rows, std::size_t at) {
    U columns[4];
    LoadColumns(rows, at, columns);
    return columns[0];
  }
};

struct Int8Q8_0 : PlainBlock {
  static constexpr Format kFormat = Format::q8_0;
  static constexpr int kLargest = 128;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float*) {
    hn::StoreU(LowHalf(Header(rows, at)), d, scales);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadColumns(rows, at + 2, w);
    LoadColumns(rows, at + 18, w + 4);
  }
};

struct Int8Q4_0 : PlainBlock {
  static constexpr Format kFormat = Format::q4_0;
  static constexpr int kLargest = 8;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float*) {
    hn::StoreU(LowHalf(Header(rows, at)), d, scales);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadNibbles(rows, at + 2, w);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = SubtractFromBytes(w[g], 8);
  }
};

struct Int8Q4_1 : PlainBlock {
  static constexpr Format kFormat = Format::q4_1;
  static constexpr int kLargest = 15;
  static constexpr bool kShifted = true;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float* shifts) {
    const U header = Header(rows, at);
    hn::StoreU(LowHalf(header), d, scales);
    hn::StoreU(HighHalf(header), d, shifts);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadNibbles(rows, at + 4, w);
  }
};

struct Int8Q5_0 : PlainBlock {
  static constexpr Format kFormat = Format::q5_0;
  static constexpr int kLargest = 16;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float*) {
    hn::StoreU(LowHalf(Header(rows, at)), d, scales);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadNibbles(rows, at + 6, w);
    AddFifthBits(Header(rows, at + 2), w);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = SubtractFromBytes(w[g], 16);
  }
};

struct Int8Q5_1 : PlainBlock {
  static constexpr Format kFormat = Format::q5_1;
  static constexpr int kLargest = 31;
  static constexpr bool kShifted = true;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float* shifts) {
    Int8Q4_1::LoadScales(rows, at, scales, shifts);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadNibbles(rows, at + 8, w);
    AddFifthBits(Header(rows, at + 4), w);
  }
};

struct Int8IQ4_NL : PlainBlock {
  static constexpr Format kFormat = Format::iq4_nl;
  static constexpr int kLargest = 127;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float*) {
    hn::StoreU(LowHalf(Header(rows, at)), d, scales);
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t, U* HWY_RESTRICT w) {
    LoadNibbles(rows, at + 2, w);
    const auto table = hn::LoadDup128(db, reinterpret_cast<const std::uint8_t*>(kIq4Values.data()));
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      w[g] = hn::BitCast(du, hn::TableLookupBytes(table, hn::BitCast(db, w[g])));
    }
  }
};

// The eight scales and offsets of quant/k_scales.h, times the block's two factors: the block's first 16 bytes.
struct KBlock {
  static constexpr std::size_t kBlocks = 8, kSteps = 1;
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
    hn::StoreU(hn::Mul(factor, ToFloat(scale)), d, scales + kPart * kLanes);
    hn::StoreU(hn::Neg(hn::Mul(offset_factor, ToFloat(offset))), d, shifts + kPart * kLanes);
  }
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float* shifts) {
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
  // The lower (part even) or upper nibbles of 32 bytes.
  static HWY_INLINE void LoadHalves(RowsAt rows, std::size_t at, std::size_t part, U* HWY_RESTRICT w) {
    LoadColumns(rows, at, w);
    LoadColumns(rows, at + 16, w + 4);
    const int shift = part % 2 == 0 ? 0 : 4;
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = And(hn::ShiftRightSame(w[g], shift), kNibbles);
  }
};

struct Int8Q4_K : KBlock {
  static constexpr Format kFormat = Format::q4_k;
  static constexpr int kLargest = 15;
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t part, U* HWY_RESTRICT w) {
    LoadHalves(rows, at + 16 + part / 2 * 32, part, w);
  }
};

struct Int8Q5_K : KBlock {
  static constexpr Format kFormat = Format::q5_k;
  static constexpr int kLargest = 31;
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t part, U* HWY_RESTRICT w) {
    LoadHalves(rows, at + 48 + part / 2 * 32, part, w);
    U high[8];
    LoadColumns(rows, at + 16, high);
    LoadColumns(rows, at + 32, high + 4);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      const U bit = And(hn::ShiftRightSame(high[g], static_cast<int>(part)), 0x01010101);
      w[g] = hn::Or(w[g], hn::ShiftLeft<4>(bit));
    }
  }
};

struct Int8Q6_K {
  static constexpr Format kFormat = Format::q6_k;
  static constexpr std::size_t kBlocks = 8, kSteps = 2;
  static constexpr int kLargest = 32;
  static constexpr bool kShifted = false;
  static HWY_INLINE void LoadScales(RowsAt rows, std::size_t at, float* scales, float*) {
    U packed[4], last[4];
    LoadColumns(rows, at + 192, packed);
    LoadColumns(rows, at + 194, last);  // the block's last sixteen bytes
    const V factor = HighHalf(last[3]);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 16; ++i) {
      const auto byte_on_top = hn::ShiftLeftSame(hn::BitCast(di, packed[i / 4]), static_cast<int>(24 - 8 * (i % 4)));
      hn::StoreU(hn::Mul(factor, hn::ConvertTo(d, hn::ShiftRight<24>(byte_on_top))), d, scales + i * kLanes);
    }
  }
  static HWY_INLINE void LoadWeights(RowsAt rows, std::size_t at, std::size_t part, U* HWY_RESTRICT w) {
    const std::size_t half = part / 4, quarter = part % 4;
    KBlock::LoadHalves(rows, at + 64 * half + quarter % 2 * 32, quarter / 2, w);
    U high[8];
    LoadColumns(rows, at + 128 + 32 * half, high);
    LoadColumns(rows, at + 144 + 32 * half, high + 4);
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g) {
      const U bits = And(hn::ShiftRightSame(high[g], static_cast<int>(2 * quarter)), 0x03030303);
      w[g] = SubtractFromBytes(hn::Or(w[g], hn::ShiftLeft<4>(bits)), 32);
    }
  }
};

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
