// Depthwise causal convolution: each channel has a filter of its own, which sees a row and the rows before it.
#pragma once

#include <cstddef>
#include <span>

#include "layers/step.h"

namespace continuo {

struct CausalConv {
  std::span<const float> weights;  // kernel rows of `channels`, the oldest token's first
  std::span<const float> bias;     // channels, or empty
  std::size_t kernel = 0, channels = 0;

  // Floats of state: the inputs of the last kernel - 1 rows, the oldest first.
  std::size_t state_floats() const { return (kernel - 1) * channels; }
};

// For the channels [first, first + n) of `rows` rows of one sequence, in place:
//   x[t][c] = bias[c] + sum over k of weights[k][c] * x[t - (kernel - 1) + k][c], summed from the oldest row on.
// Rows before the first come from `state`, which then holds the last kernel - 1 inputs. The channels of x begin at
// column
// 0 of its rows.
void causal_conv(const KernelTable& kernels, const CausalConv& conv, std::span<float> state, Rows x, std::size_t rows,
                 std::size_t first, std::size_t n);

}  // namespace continuo
