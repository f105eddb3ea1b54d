// The scalar reference: plain loops that say what every kernel computes. Slow; runs anywhere.
#pragma once

#include "kernels/kernel_table.h"

namespace continuo {

extern const KernelTable kReferenceKernels;

}  // namespace continuo
