// Weights laid out anew while the model runs, so that a product reads memory as it comes: block formats in panels
// (kernels/int8.h), matrices that are stored input by input (GPT-2's) output by output. The first step, which a short
// answer ends with, takes weights as they are stored; each later one repacks another part, so that no token waits for
// all.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/large_buffer.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "model/model.h"

namespace continuo {

class RepackedWeights {
 public:
  // Weights of `model` (may be null) that are repacked leave the memory in which they are stored.
  RepackedWeights(const KernelTable& kernels, const Model* model) : kernels_(kernels), model_(model) {}

  // Notes that products take w, if it can be repacked at all. Called by one thread.
  void want(const Matrix& w);

  // The same map repacked, or w itself while it is not.
  const Matrix& latest(const Matrix& w) const;

  // Repacks about an eighth of all that is wanted, or everything.
  void go_on(ThreadPool& threads);
  void finish(ThreadPool& threads);

 private:
  struct Entry {
    Matrix stored, repacked;  // repacked.data is null until it is
    std::size_t bytes;
  };
  void repack(Entry& entry, ThreadPool& threads);
  std::byte* room_for(std::size_t bytes);

  const KernelTable& kernels_;
  const Model* model_;
  std::unordered_map<const std::byte*, std::size_t> index_;  // by where the weights are stored
  std::vector<Entry> wanted_;                                // in the order of their first use
  std::size_t wanted_bytes_ = 0, done_ = 0;
  std::vector<LargeBuffer> buffers_;
  std::size_t used_ = 0;  // of the last buffer
};

}  // namespace continuo
