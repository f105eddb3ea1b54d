#include "generate/engine_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/thread_pool.h"

namespace continuo {

namespace {

// A further core is worth waking for this many bytes of weights: reading them takes it long enough to pay for
// the meetings of all threads in every layer.
constexpr std::size_t kWeightBytesPerThread = std::size_t{2} << 20;

}  // namespace

Result<KernelTable> kernels_of(const EngineOptions& options) {
  const KernelTable* const found = options.kernels.empty() ? &best_kernels() : find_kernels(options.kernels);
  if (!found) {
    return usage_error(fmt::format("kernels '{}' are unknown or do not run on this processor", options.kernels));
  }
  KernelTable kernels = *found;
  if (options.exact_math) kernels.int8 = nullptr;
  return kernels;
}

int threads_of(const EngineOptions& options, const Model& model) {
  if (options.threads > 0) return options.threads;
  const std::size_t shares = 1 + model.weight_bytes / kWeightBytesPerThread;
  if (shares == 1) return 1;
  return static_cast<int>(std::min(shares, static_cast<std::size_t>(usable_cores())));
}

}  // namespace continuo
