// Which of Highway's targets the SIMD sources are compiled for. foreach_target.h walks over all targets that the
// compiler and Highway's version know; a source includes this first in each pass, and its body stands behind
// CONTINUO_SIMD_TARGET, so that the other passes compile to nothing. The -inl headers are read once a pass:
// CONTINUO_SIMD_TOGGLE changes with each pass that reads them (HWY_TARGET_TOGGLE with every pass).
// No include guard: HWY_TARGET changes from pass to pass.
#undef CONTINUO_SIMD_TARGET
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_NEON
#define CONTINUO_SIMD_TARGET 1
#ifdef CONTINUO_SIMD_TOGGLE
#undef CONTINUO_SIMD_TOGGLE
#else
#define CONTINUO_SIMD_TOGGLE
#endif
#else
#define CONTINUO_SIMD_TARGET 0
#endif
