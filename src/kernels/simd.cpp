// All SIMD tables from one source: this file is compiled once for each target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#include "kernels/kernel_table.h"
#include "kernels/reference.h"
#include "kernels/simd_int8.h"
#include "kernels/tiles_usable.h"
#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"

#include "kernels/simd/targets.h"
#if CONTINUO_SIMD_TARGET
#include "kernels/simd/attention-inl.h"
#include "kernels/simd/elementwise-inl.h"
#include "kernels/simd/matmul-inl.h"
#include "kernels/simd/peak-inl.h"
#include "kernels/simd/scan-inl.h"

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
    .matmul = {MatMul<LoadF32>,       MatMul<LoadF16>,      MatMul<LoadBF16>,     MatMulBlocks<Q8_0>,
               MatMulBlocks<Q4_0>,    MatMulBlocks<Q4_1>,   MatMulBlocks<Q5_0>,   MatMulBlocks<Q5_1>,
               MatMulBlocks<Q2_K>,    MatMulBlocks<Q3_K>,   MatMulBlocks<Q4_K>,   MatMulBlocks<Q5_K>,
               MatMulBlocks<Q6_K>,    MatMulBlocks<IQ4_NL>, MatMulBlocks<IQ4_XS>, MatMulBlocks<MXFP4>,
               MatMulBlocks<TQ1_0>,   MatMulBlocks<TQ2_0>,  MatMulBlocks<IQ1_S>,  MatMulBlocks<IQ1_M>,
               MatMulBlocks<IQ2_XXS>, MatMulBlocks<IQ2_XS>, MatMulBlocks<IQ2_S>,  MatMulBlocks<IQ3_XXS>,
               MatMulBlocks<IQ3_S>,   MatMulBlocks<NVFP4>},
    .unpack = {f32_to_float,   f16_to_float,   bf16_to_float,    Unpack<Q8_0>,    Unpack<Q4_0>,   Unpack<Q4_1>,
               Unpack<Q5_0>,   Unpack<Q5_1>,   Unpack<Q2_K>,     Unpack<Q3_K>,    Unpack<Q4_K>,   Unpack<Q5_K>,
               Unpack<Q6_K>,   Unpack<IQ4_NL>, Unpack<IQ4_XS>,   Unpack<MXFP4>,   tq1_0_to_float, tq2_0_to_float,
               iq1_s_to_float, iq1_m_to_float, iq2_xxs_to_float, iq2_xs_to_float, iq2_s_to_float, iq3_xxs_to_float,
               iq3_s_to_float, nvfp4_to_float},
    .vector_transposed = {VectorInMajor<LoadF32>, VectorInMajor<LoadF16>, VectorInMajor<LoadBF16>},
    .rms_norm = RmsNorm,
    .layer_norm = LayerNorm,
    .silu = Activate<Silu>,
    .gelu_tanh = Activate<GeluTanh>,
    .gelu_erf = Activate<GeluErf>,
    .gelu_quick = Activate<GeluQuick>,
    .relu = Activate<Relu>,
    .relu_squared = Activate<ReluSquared>,
    .sigmoid = Activate<Sigmoid>,
    .tanh = Activate<Tanh>,
    .add = AddScaled,
    .soft_cap = SoftCap,
    .rope = Rope,
    .rope_interleaved = RopeInterleaved,
    .attention = {Attention<Format::f32>, Attention<Format::f16>, nullptr, Attention<Format::q8_0>},
    .attention_span = {AttentionSpan<Format::f32>, AttentionSpan<Format::f16>, nullptr, AttentionSpan<Format::q8_0>},
    .merge_attention = MergeAttention,
    .scan = &kScanKernels,
    .int8 = &kInt8Kernels,
    .peak_fma = PeakFma,
};

#if HWY_TARGET == HWY_AVX3
// The same with the dot products of VNNI.
const KernelTable kVnniTable = [] {
  KernelTable table = kTable;
  table.name = "avx3_vnni";
  table.int8 = &kInt8KernelsVnni;
  return table;
}();

// And with AMX's products of whole tiles.
const KernelTable kAmxTable = [] {
  KernelTable table = kTable;
  table.name = "avx3_amx";
  table.int8 = &kInt8KernelsTiles;
  return table;
}();
#endif

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE

#include <algorithm>
#include <vector>
#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace continuo {

namespace {

// What the compiler was told it may use for a target (HWY_TARGET_STR), asked of the processor and the operating
// system. Highway's own library would do it too, but loading it costs two milliseconds of every start.
#if HWY_ARCH_X86
bool runs_sse4() {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes");
}
bool supports_f16c() {  // which clang 14 cannot ask for by name
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
bool runs_avx2() {
  return runs_sse4() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") && supports_f16c();
}
bool runs_avx3() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
bool runs_vnni() { return runs_avx3() && __builtin_cpu_supports("avx512vnni"); }
#endif

std::vector<const KernelTable*> runnable_tables() {
  std::vector<const KernelTable*> tables;
#if HWY_TARGETS & HWY_AVX3
  if (runs_vnni() && tiles_usable()) tables.push_back(&N_AVX3::kAmxTable);
  if (runs_vnni()) tables.push_back(&N_AVX3::kVnniTable);
  if (runs_avx3()) tables.push_back(&N_AVX3::kTable);
#endif
#if HWY_TARGETS & HWY_AVX2
  if (runs_avx2()) tables.push_back(&N_AVX2::kTable);
#endif
#if HWY_TARGETS & HWY_SSE4
  if (runs_sse4()) tables.push_back(&N_SSE4::kTable);
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
