// How fast this machine reads memory: the yardstick for a step that has to read all weights.
#pragma once

#include <cstddef>

#include "kernels/thread_pool.h"

namespace continuo {

struct Bandwidth {
  double bytes_per_second = 0;
  std::size_t buffer_bytes = 0;
};

// Reads a buffer of at least `at_least` bytes, and of more than any cache where memory allows, several times
// with all threads of the pool. Every thread reads one or several streams, whichever is faster; the median
// pass counts.
Bandwidth measure_bandwidth(ThreadPool& threads, std::size_t at_least);

}  // namespace continuo
