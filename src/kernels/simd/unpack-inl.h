// Weights stored in blocks as vectors of floats. Each format says once how a block becomes vectors; what
// happens to them is the sink's business: they are stored, or take part in a dot product without leaving
// their registers.
#if defined(CONTINUO_SIMD_UNPACK_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_UNPACK_INL_H
#undef CONTINUO_SIMD_UNPACK_INL_H
#else
#define CONTINUO_SIMD_UNPACK_INL_H
#endif

#include "kernels/simd/common-inl.h"
#include "quant/format.h"
#include "quant/iq1.h"
#include "quant/iq2_s.h"
#include "quant/iq2_xs.h"
#include "quant/iq2_xxs.h"
#include "quant/iq3_s.h"
#include "quant/iq3_xxs.h"
#include "quant/iq4_xs.h"
#include "quant/k_scales.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
#include "quant/q3_k.h"
#include "quant/ternary.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

using U32 = hn::Vec<hn::RebindToUnsigned<D>>;

// kLanes bytes as numbers.
HWY_INLINE U32 Bytes(const std::byte* p) {
  const hn::Rebind<std::uint8_t, D> d8;
  const hn::RebindToUnsigned<D> d32;
  return hn::PromoteTo(d32, hn::LoadU(d8, reinterpret_cast<const std::uint8_t*>(p)));
}
HWY_INLINE V SignedBytes(const void* p) {
  const hn::Rebind<std::int8_t, D> d8;
  const hn::RebindToSigned<D> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, static_cast<const std::int8_t*>(p))));
}
HWY_INLINE U32 Bits(U32 v, int shift, std::uint32_t mask) {
  const hn::RebindToUnsigned<D> d32;
  return hn::And(hn::ShiftRightSame(v, shift), hn::Set(d32, mask));
}
// The sum of q and `offset` as floats.
HWY_INLINE V Values(U32 q, std::int32_t offset = 0) {
  const hn::RebindToSigned<D> d32;
  return hn::ConvertTo(d, hn::Add(hn::BitCast(d32, q), hn::Set(d32, offset)));
}
// A binary16 in every lane.
HWY_INLINE V Half(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, 2);
  const hn::Rebind<hwy::float16_t, D> d16;
  const hn::Rebind<std::uint16_t, D> du16;
  return hn::PromoteTo(d, hn::BitCast(d16, hn::Set(du16, bits)));
}
HWY_INLINE V Number(int n) { return hn::Set(d, static_cast<float>(n)); }

// Block(p, sink) calls sink(i, v) with values i .. i + kLanes of the block at p, in order. The loops over i
// vanish where they are inlined, so that i % 16, which says the lanes' partial sums, is a constant there.

struct Q8_0 {
  static constexpr Format kFormat = Format::q8_0;
  static constexpr std::size_t kValues = 32, kBytes = 34;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V scale = Half(p);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 32; i += kLanes) sink(i, hn::Mul(SignedBytes(p + 2 + i), scale));
  }
};

// Q4_0, Q4_1, Q5_0, Q5_1: kBits bits, around zero or above a smallest value.
template <Format kName, int kBits, bool kOffset>
struct Plain {
  static constexpr Format kFormat = kName;
  static constexpr std::size_t kHead = kOffset ? 4 : 2, kHigh = kBits == 5 ? 4 : 0;
  static constexpr std::size_t kValues = 32, kBytes = kHead + kHigh + 16;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V scale = Half(p);
    const V least = kOffset ? Half(p + 2) : hn::Zero(d);
    std::uint32_t high = 0;
    if constexpr (kBits == 5) std::memcpy(&high, p + kHead, 4);
    const hn::RebindToUnsigned<D> d32;
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 32; i += kLanes) {
      U32 q = Bits(Bytes(p + kHead + kHigh + i % 16), i < 16 ? 0 : 4, 15);
      if constexpr (kBits == 5) {
        const std::uint32_t mine = high >> i;
        const auto set = hn::LoadMaskBits(d32, reinterpret_cast<const std::uint8_t*>(&mine));
        q = hn::Or(q, hn::IfThenElseZero(set, hn::Set(d32, 16u)));
      }
      if constexpr (kOffset) {
        sink(i, hn::MulAdd(Values(q), scale, least));
      } else {
        sink(i, hn::Mul(Values(q, -(1 << (kBits - 1))), scale));
      }
    }
  }
};
using Q4_0 = Plain<Format::q4_0, 4, false>;
using Q4_1 = Plain<Format::q4_1, 4, true>;
using Q5_0 = Plain<Format::q5_0, 5, false>;
using Q5_1 = Plain<Format::q5_1, 5, true>;

struct Q2_K {
  static constexpr Format kFormat = Format::q2_k;
  static constexpr std::size_t kValues = 256, kBytes = 84;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V factor = Half(p + 80), offset_factor = Half(p + 82);
    for (std::size_t part = 0; part < 8; ++part) {
      const std::byte* const low = p + 16 + part / 4 * 32;
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 32; i += kLanes) {
        const int both = byte_at(p, 2 * part + i / 16);
        const V q = Values(Bits(Bytes(low + i), static_cast<int>(part % 4 * 2), 3));
        sink(32 * part + i,
             hn::MulSub(hn::Mul(factor, Number(both & 15)), q, hn::Mul(offset_factor, Number(both >> 4))));
      }
    }
  }
};

struct Q3_K {
  static constexpr Format kFormat = Format::q3_k;
  static constexpr std::size_t kValues = 256, kBytes = 110;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V factor = Half(p + 108);
    for (std::size_t part = 0; part < 8; ++part) {
      const std::byte* const low = p + 32 + part / 4 * 32;
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 32; i += kLanes) {
        const V scale = hn::Mul(factor, Number(q3_k_scale(p + 96, 2 * part + i / 16) - 32));
        const U32 q = hn::Or(Bits(Bytes(low + i), static_cast<int>(part % 4 * 2), 3),
                             hn::ShiftLeft<2>(Bits(Bytes(p + i), static_cast<int>(part), 1)));
        sink(32 * part + i, hn::Mul(Values(q, -4), scale));
      }
    }
  }
};

// Q4_K and Q5_K.
template <Format kName, int kBits>
struct Parts {
  static constexpr Format kFormat = kName;
  static constexpr std::size_t kLow = kBits == 5 ? 48 : 16;
  static constexpr std::size_t kValues = 256, kBytes = kLow + 128;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V factor = Half(p), offset_factor = Half(p + 2);
    for (std::size_t part = 0; part < 8; ++part) {
      const V scale = hn::Mul(factor, Number(k_scale(p + 4, part)));
      const V offset = hn::Mul(offset_factor, Number(k_offset(p + 4, part)));
      const std::byte* const low = p + kLow + part / 2 * 32;
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 32; i += kLanes) {
        U32 q = Bits(Bytes(low + i), static_cast<int>(part % 2 * 4), 15);
        if constexpr (kBits == 5) {
          q = hn::Or(q, hn::ShiftLeft<4>(Bits(Bytes(p + 16 + i), static_cast<int>(part), 1)));
        }
        sink(32 * part + i, hn::MulSub(Values(q), scale, offset));
      }
    }
  }
};
using Q4_K = Parts<Format::q4_k, 4>;
using Q5_K = Parts<Format::q5_k, 5>;

struct Q6_K {
  static constexpr Format kFormat = Format::q6_k;
  static constexpr std::size_t kValues = 256, kBytes = 210;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V factor = Half(p + 208);
    for (std::size_t part = 0; part < 8; ++part) {
      const std::size_t half = part / 4, quarter = part % 4;
      const std::byte* const low = p + 64 * half + quarter % 2 * 32;
      const std::byte* const high = p + 128 + 32 * half;
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 32; i += kLanes) {
        const V scale = hn::Mul(factor, Number(signed_byte_at(p + 192, 2 * part + i / 16)));
        const U32 q = hn::Or(Bits(Bytes(low + i), static_cast<int>(quarter / 2 * 4), 15),
                             hn::ShiftLeft<4>(Bits(Bytes(high + i), static_cast<int>(quarter * 2), 3)));
        sink(32 * part + i, hn::Mul(Values(q, -32), scale));
      }
    }
  }
};

// Thirty-two values of a table of sixteen, which sixteen bytes choose.
HWY_INLINE void LookUp(const std::byte* p, const std::int8_t* table, std::int8_t* out) {
  const hn::FixedTag<std::int8_t, 16> d8;
  const hn::FixedTag<std::uint8_t, 16> du8;
  const auto values = hn::LoadU(d8, table);
  const auto q = hn::LoadU(du8, reinterpret_cast<const std::uint8_t*>(p));
  const auto mask = hn::Set(du8, std::uint8_t{15});
  const auto low = hn::And(q, mask);
  const auto high =
      hn::And(hn::BitCast(du8, hn::ShiftRight<4>(hn::BitCast(hn::FixedTag<std::uint16_t, 8>(), q))), mask);
  hn::StoreU(hn::TableLookupBytes(values, hn::BitCast(d8, low)), d8, out);
  hn::StoreU(hn::TableLookupBytes(values, hn::BitCast(d8, high)), d8, out + 16);
}

struct IQ4_NL {
  static constexpr Format kFormat = Format::iq4_nl;
  static constexpr std::size_t kValues = 32, kBytes = 18;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    std::int8_t values[32];
    LookUp(p + 2, kIq4Values.data(), values);
    const V scale = Half(p);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 32; i += kLanes) sink(i, hn::Mul(SignedBytes(values + i), scale));
  }
};

struct IQ4_XS {
  static constexpr Format kFormat = Format::iq4_xs;
  static constexpr std::size_t kValues = 256, kBytes = 136;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    const V factor = Half(p);
    for (std::size_t part = 0; part < 8; ++part) {
      std::int8_t values[32];
      LookUp(p + 8 + 16 * part, kIq4Values.data(), values);
      const V scale = hn::Mul(factor, Number(iq4_xs_scale(p, part)));
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 32; i += kLanes) sink(32 * part + i, hn::Mul(SignedBytes(values + i), scale));
    }
  }
};

struct MXFP4 {
  static constexpr Format kFormat = Format::mxfp4;
  static constexpr std::size_t kValues = 32, kBytes = 17;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    std::int8_t values[32];
    LookUp(p + 1, kMxfp4Values.data(), values);
    const V scale = hn::Set(d, mxfp4_scale(byte_at(p)));
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < 32; i += kLanes) sink(i, hn::Mul(SignedBytes(values + i), scale));
  }
};

// Formats that few models have: a block becomes floats by the format's own function.
template <Format kName, std::size_t kInBlock, std::size_t kStored,
          void (*kToFloat)(const std::byte*, float*, std::size_t)>
struct Scalar {
  static constexpr Format kFormat = kName;
  static constexpr std::size_t kValues = kInBlock, kBytes = kStored;
  template <class Sink>
  static HWY_INLINE void Block(const std::byte* p, const Sink& sink) {
    float values[kValues];
    kToFloat(p, values, kValues);
    for (std::size_t i = 0; i < kValues; i += 16) {
      CONTINUO_UNROLL
      for (std::size_t j = 0; j < 16; j += kLanes) sink(i + j, hn::LoadU(d, values + i + j));
    }
  }
};
using TQ1_0 = Scalar<Format::tq1_0, kSuperBlock, kTQ1_0Bytes, tq1_0_to_float>;
using TQ2_0 = Scalar<Format::tq2_0, kSuperBlock, kTQ2_0Bytes, tq2_0_to_float>;
using IQ1_S = Scalar<Format::iq1_s, kSuperBlock, kIQ1_SBytes, iq1_s_to_float>;
using IQ1_M = Scalar<Format::iq1_m, kSuperBlock, kIQ1_MBytes, iq1_m_to_float>;
using IQ2_XXS = Scalar<Format::iq2_xxs, kSuperBlock, kIQ2_XXSBytes, iq2_xxs_to_float>;
using IQ2_XS = Scalar<Format::iq2_xs, kSuperBlock, kIQ2_XSBytes, iq2_xs_to_float>;
using IQ2_S = Scalar<Format::iq2_s, kSuperBlock, kIQ2_SBytes, iq2_s_to_float>;
using IQ3_XXS = Scalar<Format::iq3_xxs, kSuperBlock, kIQ3_XXSBytes, iq3_xxs_to_float>;
using IQ3_S = Scalar<Format::iq3_s, kSuperBlock, kIQ3_SBytes, iq3_s_to_float>;
using NVFP4 = Scalar<Format::nvfp4, kNvfp4Values, kNVFP4Bytes, nvfp4_to_float>;

struct StoreSink {
  float* out;
  HWY_INLINE void operator()(std::size_t i, V values) const { hn::StoreU(values, d, out + i); }
};

template <class Blocks>
void Unpack(const std::byte* stored, float* values, std::size_t n) {
  static_assert(Blocks::kValues % 16 == 0);
  for (std::size_t i = 0; i < n; i += Blocks::kValues, stored += Blocks::kBytes) {
    Blocks::Block(stored, StoreSink{values + i});
  }
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
