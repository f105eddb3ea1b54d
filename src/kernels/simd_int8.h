// The integer kernels of each SIMD target, for its table in simd.cpp.
#pragma once

#include <hwy/detect_targets.h>

#include "kernels/int8.h"

namespace continuo {

#if HWY_ARCH_X86
namespace N_AVX3 {
extern const Int8Kernels kInt8Kernels;
extern const Int8Kernels kInt8KernelsVnni;
extern const Int8Kernels kInt8KernelsTiles;
}  // namespace N_AVX3
namespace N_AVX2 {
extern const Int8Kernels kInt8Kernels;
}
namespace N_SSE4 {
extern const Int8Kernels kInt8Kernels;
}
#else
namespace N_NEON {
extern const Int8Kernels kInt8Kernels;
}
#endif

}  // namespace continuo
