// How fast this machine computes from registers: the yardstick for the steps of a prompt.
#pragma once

#include "kernels/int8.h"
#include "kernels/thread_pool.h"

namespace continuo {

// Operations per second of all threads of the pool together: the median of a few passes of a millisecond.
double measure_peak(ThreadPool& threads, Peak peak);

}  // namespace continuo
