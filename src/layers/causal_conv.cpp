#include "layers/causal_conv.h"

#include <algorithm>

namespace continuo {

namespace {

// out = sum over the kernel's rows. Rows are summed one after the other over a run of channels, so that the compiler
// makes vectors of them and each channel's sum keeps its order.
void conv_row(const CausalConv& conv, std::span<const float* const> inputs, std::size_t first, std::size_t n,
              float* out) {
  constexpr std::size_t kRun = 64;
  float sums[kRun];
  for (std::size_t c = 0; c < n; c += kRun) {
    const std::size_t run = std::min(kRun, n - c);
    for (std::size_t i = 0; i < run; ++i) sums[i] = conv.bias.empty() ? 0.0f : conv.bias[first + c + i];
    for (std::size_t k = 0; k < conv.kernel; ++k) {
      const float* const w = conv.weights.data() + k * conv.channels + first + c;
      const float* const x = inputs[k] + c;
      for (std::size_t i = 0; i < run; ++i) sums[i] += w[i] * x[i];
    }
    std::copy_n(sums, run, out + c);
  }
}

}  // namespace

void causal_conv(const CausalConv& conv, std::span<float> state, Rows x, std::size_t rows, std::size_t first,
                 std::size_t n) {
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
    conv_row(conv, {inputs, conv.kernel}, first, n, x[t] + first);
  }
  for (std::size_t k = 0; k < before; ++k) std::copy_n(next.data() + k * n, n, state.data() + k * conv.channels + first);
}

}  // namespace continuo
