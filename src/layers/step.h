// One step of the forward pass: its rows, its memory, and what computes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/alibi.h"
#include "layers/forward.h"
#include "layers/repacked.h"
#include "layers/rope.h"
#include "model/model.h"

namespace continuo {

// Floats that a worker keeps to itself, grown on demand and kept.
class Scratch {
 public:
  explicit Scratch(int workers) : floats_(workers) {}
  float* get(int worker, std::size_t n) {
    std::vector<float>& mine = floats_[worker];
    if (mine.size() < n) mine.resize(n);
    return mine.data();
  }

 private:
  std::vector<std::vector<float>> floats_;
};

// A matrix of floats with one row per token of the step.
struct Rows {
  float* data = nullptr;
  std::size_t stride = 0;
  const std::byte* rounded = nullptr;  // the same rows as integer products take them (kernels/int8.h), where made
  float* operator[](std::size_t row) const { return data + row * stride; }
  Rows from(std::size_t column) const { return {data + column, stride}; }
};

// Memory for rows, kept from step to step.
class Buffer {
 public:
  Rows rows(std::size_t n, std::size_t width) {
    if (floats_.size() < n * width) floats_.resize(n * width);
    return {floats_.data(), width};
  }

 private:
  std::vector<float> floats_;
};

struct RowPlace {
  std::size_t segment;   // which sequence
  std::size_t position;  // in that sequence
};

struct Step {
  const KernelTable& kernels;
  ThreadPool& threads;
  Scratch& scratch;
  std::span<const Segment> segments;
  std::vector<RowPlace> places;         // one per row
  std::vector<std::size_t> first_rows;  // of each segment
  std::vector<RopeTable> ropes;         // one per distinct RopeSpec of the model
  std::vector<AlibiTable> alibis;       // one per distinct AlibiSpec
  std::vector<std::byte> rounded;       // the inputs of the linear maps that are being computed
  RepackedWeights* repacked = nullptr;  // where weights may be repacked

  std::size_t rows() const { return places.size(); }
};

// Below this many multiply-adds waking other threads costs more than it saves.
inline constexpr std::size_t kWorthSharing = 32768;

// task(i, worker) for i < n; on all threads where the whole is worth it. `work` counts multiply-adds,
// roughly.
template <class F>
void share(Step& step, std::size_t n, std::size_t work, F&& task) {
  if (work < kWorthSharing) {
    for (std::size_t i = 0; i < n; ++i)
      task(i, 0);
  } else {
    step.threads.parallel_for(n, task);
  }
}

}  // namespace continuo
