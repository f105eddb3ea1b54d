// Activations by name.
#pragma once

#include "kernels/kernel_table.h"
#include "model/spec.h"

namespace continuo {

// The kernel that computes an activation.
KernelTable::Activate activation_kernel(const KernelTable& kernels, Activation kind);

}  // namespace continuo
