// What sharing work among threads costs.
//
//   bench_threads [--threads N] [--rounds N] [--tasks N]
//
// A line each: how long a task takes by itself, and how much longer than its share of the tasks' own time a
// round of them takes (median): beginning it, its tickets, and waiting for the last.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "kernels/thread_pool.h"

using namespace continuo;

namespace {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

// Arithmetic from registers, which other threads cannot disturb: a chain of multiplications.
void work(std::size_t steps) {
  std::size_t x = 1;
  for (std::size_t i = 0; i < steps; ++i) {
    x *= 3;
    asm volatile("" : "+r"(x));  // for the compiler it may be any number now
  }
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t threads = static_cast<std::size_t>(usable_cores()), rounds = 2000, tasks = 4;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    (name == "--threads" ? threads : name == "--rounds" ? rounds : tasks) = std::stoul(argv[i + 1]);
  }
  ThreadPool pool(static_cast<int>(threads));
  for (const std::size_t steps : {0, 1000, 4000, 16000}) {
    std::vector<double> alone, together;
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto start = Clock::now();
      work(steps);
      const auto middle = Clock::now();
      pool.parallel_for(tasks, [&](std::size_t, int) { work(steps); });
      alone.push_back(microseconds(middle - start));
      together.push_back(microseconds(Clock::now() - middle));
    }
    const double task = median(alone), round = median(together);
    const double share = task * static_cast<double>((tasks + threads - 1) / threads);
    fmt::print("tasks of {:6.2f} us: {} on {} threads, {:.2f} us more than their share\n", task, tasks, threads,
               round - share);
  }
}
