// All SIMD tables from one source: this file is compiled once for each target.
#define HWY_DISABLED_TARGETS HWY_SSSE3
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#include "kernels/kernel_table.h"
#include "kernels/reference.h"

#if HWY_TARGET != HWY_SCALAR  // a processor without SIMD runs the reference
#include "kernels/simd/attention-inl.h"
#include "kernels/simd/elementwise-inl.h"
#include "kernels/simd/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

const KernelTable kTable = {
#if HWY_TARGET == HWY_AVX3
    .name = "avx3",
#elif HWY_TARGET == HWY_AVX2
    .name = "avx2",
#elif HWY_TARGET == HWY_SSE4
    .name = "sse4",
#else
    .name = "simd",
#endif
    .fused = HWY_TARGET != HWY_SSE4,
    .matmul = {MatMul<LoadF32>, MatMul<LoadF16>, MatMul<LoadBF16>},
    .vector_in_major = {VectorInMajor<LoadF32>, VectorInMajor<LoadF16>, VectorInMajor<LoadBF16>},
    .rms_norm = RmsNorm,
    .layer_norm = LayerNorm,
    .silu = Activate<Silu>,
    .gelu_tanh = Activate<GeluTanh>,
    .gelu_erf = Activate<GeluErf>,
    .relu = Activate<Relu>,
    .rope = Rope,
    .attention = Attention,
};

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE

#include <algorithm>
#include <vector>

namespace continuo {

namespace {

std::vector<const KernelTable*> runnable_tables() {
  std::vector<const KernelTable*> tables;
  [[maybe_unused]] const auto supported = hwy::SupportedTargets();
#if HWY_TARGETS & HWY_AVX3
  if (supported & HWY_AVX3) tables.push_back(&N_AVX3::kTable);
#endif
#if HWY_TARGETS & HWY_AVX2
  if (supported & HWY_AVX2) tables.push_back(&N_AVX2::kTable);
#endif
#if HWY_TARGETS & HWY_SSE4
  if (supported & HWY_SSE4) tables.push_back(&N_SSE4::kTable);
#endif
#if HWY_TARGETS & HWY_NEON
  tables.push_back(&N_NEON::kTable);
#endif
  tables.push_back(&kReferenceKernels);
  return tables;
}

}  // namespace

std::span<const KernelTable* const> available_kernels() {
  static const std::vector<const KernelTable*> tables = runnable_tables();
  return tables;
}

const KernelTable& best_kernels() { return *available_kernels().front(); }

const KernelTable* find_kernels(std::string_view name) {
  for (const KernelTable* table : available_kernels()) {
    if (table->name == name) return table;
  }
  return nullptr;
}

}  // namespace continuo
#endif
