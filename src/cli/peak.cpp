#include "cli/peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace continuo {

double measure_peak(ThreadPool& threads, Peak peak) {
  constexpr int kPasses = 40;
  constexpr std::size_t kRounds = 50000;  // of some ten operations: a millisecond or less
  double best = 0;
  std::vector<std::size_t> done(static_cast<std::size_t>(threads.size()));
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    threads.parallel_for(done.size(), [&](std::size_t i, int) { done[i] = peak(kRounds); });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    double operations = 0;
    for (const std::size_t of_thread : done) operations += static_cast<double>(of_thread);
    best = std::max(best, operations / elapsed.count());
  }
  return best;
}

}  // namespace continuo
