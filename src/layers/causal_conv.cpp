#include "layers/causal_conv.h"

#include <algorithm>

namespace continuo {

void causal_conv(const KernelTable& kernels, const CausalConv& conv, std::span<float> state, Rows x, std::size_t rows,
                 std::size_t first, std::size_t n) {
  const std::size_t before = conv.kernel - 1;
  // The input of row t - before + k, k < kernel, counted over the state and then the rows.
  const auto input = [&](std::size_t index) -> const float* {
    return index < before ? state.data() + index * conv.channels + first : x[index - before] + first;
  };
  // Both loops go over what is still needed last: the new state is taken before rows are overwritten, from copies
  // because it stands where the old state is.
  constexpr std::size_t kMostTaps = 64;
  const float* inputs[kMostTaps];
  std::vector<float> next(before * n);
  for (std::size_t k = 0; k < before; ++k) std::copy_n(input(rows + k), n, next.data() + k * n);
  for (std::size_t t = rows; t-- > 0;) {
    for (std::size_t k = 0; k < conv.kernel; ++k) inputs[k] = input(t + k);
    kernels.scan->conv({.inputs = inputs,
                        .weights = conv.weights.data() + first,
                        .stride = conv.channels,
                        .taps = conv.kernel,
                        .bias = conv.bias.empty() ? nullptr : conv.bias.data() + first,
                        .out = x[t] + first,
                        .n = n});
  }
  for (std::size_t k = 0; k < before; ++k)
    std::copy_n(next.data() + k * n, n, state.data() + k * conv.channels + first);
}

}  // namespace continuo
