#include "layers/activation.h"

#include "base/check.h"

namespace continuo {

KernelTable::Activate activation_kernel(const KernelTable& kernels, Activation kind) {
  switch (kind) {
    case Activation::silu:
      return kernels.silu;
    case Activation::gelu_erf:
      return kernels.gelu_erf;
    case Activation::gelu_tanh:
      return kernels.gelu_tanh;
    case Activation::gelu_quick:
      return kernels.gelu_quick;
    case Activation::relu:
      return kernels.relu;
    case Activation::relu_squared:
      return kernels.relu_squared;
    case Activation::xielu:
      break;  // it has parameters: feed_forward.cpp
  }
  CONTINUO_CHECK(false, "an activation without a kernel");
}

}  // namespace continuo
