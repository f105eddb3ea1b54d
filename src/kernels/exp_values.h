// Functions of many values, as kernels/reference_math.h computes them: the same bits on every processor.
#pragma once

#include <cstddef>

namespace continuo {

// x = e^x
void exp_values(float* x, std::size_t n);
// x = ln(1 + e^x); relative error below 3e-7
void softplus_values(float* x, std::size_t n);

}  // namespace continuo
