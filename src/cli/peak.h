// How fast this machine computes from registers: the yardstick for the steps of a prompt.
#pragma once

#include "kernels/int8.h"
#include "kernels/thread_pool.h"

namespace continuo {

// Operations per second of all threads of the pool together; the best of several passes.
double measure_peak(ThreadPool& threads, Peak peak);

}  // namespace continuo
