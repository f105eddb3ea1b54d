// Weights laid out anew for integer products (kernels/int8.h) while the model runs. The first step, which a short answer
// ends with, takes weights as they are stored; each later one repacks another part, so that no token waits for all.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/large_buffer.h"
#include "io/checkpoint.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "model/weights.h"

namespace continuo {

class RepackedWeights {
 public:
  // Pages of `storage` (may be null) whose weights are repacked leave the memory.
  RepackedWeights(const KernelTable& kernels, const Checkpoint* storage) : kernels_(kernels), storage_(storage) {}

  // Notes that products take w, if it can be repacked at all. Called by one thread.
  void want(const Matrix& w);

  // The panels of w from output `first` on, a whole number of panels; null while w is not repacked.
  const std::byte* find(const Matrix& w, std::size_t first) const;

  // Repacks about an eighth of all that is wanted, or everything.
  void go_on(ThreadPool& threads);
  void finish(ThreadPool& threads);

 private:
  struct Entry {
    Matrix weight;
    std::byte* panels;  // null until it is repacked
  };
  bool repack_next(ThreadPool& threads);
  std::byte* room_for(std::size_t bytes);

  const KernelTable& kernels_;
  const Checkpoint* storage_;
  std::unordered_map<const std::byte*, std::size_t> index_;  // by where the weights are stored
  std::vector<Entry> wanted_;  // in the order of their first use, which is that of the file more or less
  std::size_t wanted_bytes_ = 0, done_ = 0;
  std::vector<LargeBuffer> buffers_;
  std::size_t used_ = 0;  // of the last buffer
};

}  // namespace continuo
