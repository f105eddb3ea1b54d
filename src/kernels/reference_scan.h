// The scalar reference of the scans.
#pragma once

#include "kernels/scan.h"

namespace continuo {

extern const ScanKernels kReferenceScan;

}  // namespace continuo
