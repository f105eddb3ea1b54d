#include "cli/bench_kernels.h"

#include <algorithm>
#include <chrono>

#include "layers/linear.h"

namespace continuo {

namespace {

constexpr int kPasses = 7;

// Median seconds of all maps of the group for so many tokens.
double seconds(const MapGroup& group, Step& step, std::size_t tokens) {
  const Matrix& m = group.matrix();
  std::vector<float> x(tokens * m.cols), y(tokens * m.rows);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8;
  for (const Linear* map : group.maps) step.repacked->want(map->weight);
  step.repacked->finish(step.threads);
  std::vector<double> passes;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    for (const Linear* map : group.maps) linear(step, {{map, {y.data(), m.rows}}}, {x.data(), m.cols}, tokens);
    passes.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(passes.begin(), passes.begin() + kPasses / 2, passes.end());
  return passes[kPasses / 2];
}

}  // namespace

std::vector<KernelSpeed> bench_kernels(const std::vector<MapGroup>& groups, const KernelTable& kernels,
                                       ThreadPool& threads, std::size_t tokens, const MachineLimits& limits) {
  Scratch scratch(threads.size());
  RepackedWeights repacked(kernels, nullptr);
  Step step{.kernels = kernels, .threads = threads, .scratch = scratch, .repacked = &repacked};
  std::vector<KernelSpeed> speeds;
  for (const MapGroup& group : groups) {
    for (const std::size_t n : {std::size_t{1}, tokens}) {
      const double time = seconds(group, step, n);
      KernelSpeed speed{&group, n};
      speed.bytes_per_second = group.bytes() / group.share / time;
      speed.operations_per_second = group.operations() / group.share * static_cast<double>(n) / time;
      speed.share = n == 1 ? speed.bytes_per_second / limits.bandwidth
                           : speed.operations_per_second / (group.integer(kernels) ? limits.int8 : limits.fma);
      speeds.push_back(speed);
      if (n == tokens) break;
    }
  }
  return speeds;
}

}  // namespace continuo
