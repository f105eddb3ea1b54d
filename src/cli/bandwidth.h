// How fast this machine reads memory: the yardstick for a step that has to read all weights.
#pragma once

#include <cstddef>

#include "base/large_buffer.h"
#include "kernels/thread_pool.h"

namespace continuo {

// Reads one buffer again and again, beside other measurements.
class BandwidthMeter {
 public:
  // A buffer of at least `at_least` bytes, and of more than any cache, where memory allows.
  BandwidthMeter(ThreadPool& threads, std::size_t at_least);

  // Bytes per second of one pass of all threads over the buffer. Every thread reads one, two or four streams,
  // whichever is fastest: a pass each.
  double once();

 private:
  ThreadPool& threads_;
  LargeBuffer buffer_;
};

// The median of several passes.
double measure_bandwidth(ThreadPool& threads, std::size_t at_least);

}  // namespace continuo
