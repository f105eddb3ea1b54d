#include "cli/peak.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

namespace continuo {

double measure_peak(ThreadPool& threads, Peak peak) {
  constexpr std::size_t kPasses = 7;
  constexpr std::size_t kRounds = 50000;  // of some ten operations: a millisecond or less
  std::array<double, kPasses> speeds;
  std::vector<std::size_t> done(static_cast<std::size_t>(threads.size()));
  for (double& speed : speeds) {
    const auto start = std::chrono::steady_clock::now();
    threads.parallel_for(done.size(), [&](std::size_t i, int) { done[i] = peak(kRounds); });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    double operations = 0;
    for (const std::size_t of_thread : done) operations += static_cast<double>(of_thread);
    speed = operations / elapsed.count();
  }
  std::nth_element(speeds.begin(), speeds.begin() + kPasses / 2, speeds.end());
  return speeds[kPasses / 2];
}

}  // namespace continuo
