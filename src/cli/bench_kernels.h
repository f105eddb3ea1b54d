// The linear maps of a model one by one, next to the machine's limits.
#pragma once

#include <vector>

#include "kernels/thread_pool.h"
#include "loading/model_work.h"

namespace continuo {

struct MachineLimits {
  double bandwidth = 0;  // bytes per second
  double fma = 0;        // float32 operations per second
  double int8 = 0;       // operations on bytes per second
};

struct KernelSpeed {
  const MapGroup* group;
  std::size_t tokens;
  double bytes_per_second = 0;  // of weights
  double operations_per_second = 0;
  double share = 0;  // of the bandwidth for one token, else of the peak of its arithmetic
};

// Median speeds of each group for one token and for `tokens`.
std::vector<KernelSpeed> bench_kernels(const std::vector<MapGroup>& groups, const KernelTable& kernels,
                                       ThreadPool& threads, std::size_t tokens, const MachineLimits& limits);

}  // namespace continuo
