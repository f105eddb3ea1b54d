// The integer kernels of all SIMD targets from one source: this file is compiled once for each target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd_int8.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#include <bit>

#include "kernels/kernel_table.h"
#include "kernels/simd_int8.h"

#include "kernels/simd/targets.h"
#if CONTINUO_SIMD_TARGET
#include "kernels/simd/int8_repacked-inl.h"
#include "kernels/simd/int8_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

template <class Dot>
constexpr Int8Kernels MakeInt8Kernels() {
  Int8Kernels kernels{.tile = Dot::kTile,
                      .quantize = QuantizeInt8,
                      .matmul = {},
                      .panel = kLanes,
                      .repack = {},
                      .matmul_repacked = {},
                      .peak = PeakInt8<Dot>};
  const auto set = [&]<class F>() {
    kernels.matmul[static_cast<std::size_t>(F::kFormat)] = MatMulInt8<Dot, F>;
    kernels.repack[static_cast<std::size_t>(F::kFormat)] = RepackRows<FewDot<Dot, F>, F>;
    kernels.matmul_repacked[static_cast<std::size_t>(F::kFormat)] = MatMulRepacked<Dot, F>;
  };
  set.template operator()<Int8Q8_0>();
  set.template operator()<Int8Q4_0>();
  set.template operator()<Int8Q4_1>();
  set.template operator()<Int8Q5_0>();
  set.template operator()<Int8Q5_1>();
  set.template operator()<Int8Q4_K>();
  set.template operator()<Int8Q5_K>();
  set.template operator()<Int8Q6_K>();
  set.template operator()<Int8Q3_K>();
  set.template operator()<Int8IQ4_NL>();
  set.template operator()<Int8IQ4_XS>();
  set.template operator()<Int8MXFP4>();
  return kernels;
}

#if HWY_ARCH_X86
const Int8Kernels kInt8Kernels = MakeInt8Kernels<DotPairs>();
#if HWY_TARGET == HWY_AVX3
const Int8Kernels kInt8KernelsVnni = MakeInt8Kernels<DotVnni>();
const Int8Kernels kInt8KernelsTiles = [] {
  Int8Kernels kernels = MakeInt8Kernels<DotTiles>();
  kernels.peak = PeakTiles;
  return kernels;
}();
#endif
#else
const Int8Kernels kInt8Kernels = MakeInt8Kernels<DotPlain>();
#endif

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
