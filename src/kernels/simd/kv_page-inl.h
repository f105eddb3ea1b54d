// Keys and values as they are stored (kernels/kv_page.h), as vectors of floats.
#if defined(CONTINUO_SIMD_KV_PAGE_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_KV_PAGE_INL_H
#undef CONTINUO_SIMD_KV_PAGE_INL_H
#else
#define CONTINUO_SIMD_KV_PAGE_INL_H
#endif

#include <algorithm>
#include <cstdint>

#include "kernels/kv_page.h"
#include "kernels/simd/common-inl.h"
#include "kernels/simd/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

template <Format kType>
struct KvElements;
template <>
struct KvElements<Format::f32> : LoadF32 {
  static constexpr bool kScaled = false;
};
template <>
struct KvElements<Format::f16> : LoadF16 {
  static constexpr bool kScaled = false;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    V v = LoadF16::Load(p, i);
#if HWY_TARGET == HWY_SSE4
    // Without an instruction for it, what is no number has become one that binary16 does not have.
    v = hn::IfThenElse(hn::Ge(hn::Abs(v), hn::Set(d, 65536.0f)), hn::NaN(d), v);
#endif
    return v;
  }
};
template <>
struct KvElements<Format::q8_0> {
  static constexpr bool kScaled = true;
  static constexpr std::size_t kBytes = 1;
  static HWY_INLINE V Load(const std::byte* p, std::size_t i) {
    const hn::Rebind<std::int8_t, D> d8;
    const hn::Rebind<std::int32_t, D> d32;
    return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, reinterpret_cast<const std::int8_t*>(p) + i)));
  }
};

// A page's part of one head. Where values have scales, these stand as floats at `scales`, [blocks of 32][kPageKeys].
template <Format kType>
struct KvPart {
  const std::byte* keys;
  const std::byte* values;
  const float* scales;
  std::size_t head_dim;
  const std::byte* next_keys = nullptr;  // of the page that is read next
  std::size_t next_count = 0;            // how many of them
};

// The keys of key blocks that hold any of `first` to `last`, and those keys' values, in float32.
template <Format kType>
HWY_NOINLINE KvPart<Format::f32> UnpackPart(const KvPart<kType>& part, std::size_t first, std::size_t last,
                                            float* page) {
  using Elements = KvElements<kType>;
  const KvLayout layout{kType, part.head_dim};
  const std::size_t padded = layout.padded_dim();
  for (std::size_t b = first / kKeyBlock; b * kKeyBlock < last; ++b) {
    const std::byte* keys = part.keys + b * layout.key_block_bytes();
    float* out = page + b * kKeyBlock * part.head_dim;
    for (std::size_t start = 0; start < part.head_dim; start += kScaleBlock) {
      const std::size_t n = std::min(kScaleBlock, part.head_dim - start);
      V scales[kGroup];
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) {
        scales[g] = Elements::kScaled ? KvElements<Format::f16>::Load(keys, g * kLanes) : hn::Set(d, 1.0f);
      }
      if (Elements::kScaled) keys += kKeyBlock * kScaleBytes;
      for (std::size_t i = 0; i < n; ++i, keys += kKeyBlock * Elements::kBytes, out += kKeyBlock) {
        CONTINUO_UNROLL
        for (std::size_t g = 0; g < kGroup; ++g) {
          V k = Elements::Load(keys, g * kLanes);
          if constexpr (Elements::kScaled) k = hn::Mul(k, scales[g]);
          hn::StoreU(k, d, out + g * kLanes);
        }
      }
    }
  }
  float* const values = page + kPageKeys * part.head_dim;
  for (std::size_t j = first; j < last; ++j) {
    for (std::size_t i = 0; i < padded; i += kLanes) {
      V v = Elements::Load(part.values, j * padded + i);
      if constexpr (Elements::kScaled) v = hn::Mul(v, hn::Set(d, part.scales[i / kScaleBlock * kPageKeys + j]));
      hn::StoreU(v, d, values + j * padded + i);
    }
  }
  return {reinterpret_cast<const std::byte*>(page),
          reinterpret_cast<const std::byte*>(values),
          nullptr,
          part.head_dim,
          part.next_keys,
          part.next_count};
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
