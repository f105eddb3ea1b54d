// One step of the forward pass: its rows, its memory, and what computes.
#pragma once

#include <algorithm>
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
  explicit Scratch(int workers) : floats_(workers), results_(workers) {}
  float* get(int worker, std::size_t n) { return grown(floats_[worker], n); }
  // Others, which what uses those leaves alone.
  float* results(int worker, std::size_t n) { return grown(results_[worker], n); }

 private:
  static float* grown(std::vector<float>& floats, std::size_t n) {
    if (floats.size() < n) floats.resize(n);
    return floats.data();
  }

  std::vector<std::vector<float>> floats_, results_;
};

// Rows as integer products take them (kernels/int8.h).
struct RoundedRows {
  std::byte* data = nullptr;  // null: not wanted
  std::size_t n = 0, width = 0;
};

// A matrix of floats with one row per token of the step.
struct Rows {
  float* data = nullptr;
  std::size_t stride = 0;
  RoundedRows rounded = {};  // the same rows
  std::size_t first = 0;     // row 0 among the rows that the whole has
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
  // Room for the same rounded; width: whole blocks.
  RoundedRows rounded(std::size_t n, std::size_t width) {
    const std::size_t lines = (n * int8_bytes(width) + sizeof(Line) - 1) / sizeof(Line);
    if (lines_.size() < lines) lines_.resize(lines);
    return {reinterpret_cast<std::byte*>(lines_.data()), n, width};  // null where there are no lines yet
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<float> floats_;
  std::vector<Line> lines_;
};

class LowRankPass;

struct RowPlace {
  std::size_t segment;   // which sequence
  std::size_t position;  // in that sequence
};

// Where a mixer or a feed-forward part keeps what it remembers: a layer, and the first of its floats in the layer's
// recurrent state.
struct StateSlot {
  std::size_t layer = 0, first_float = 0;
};

struct Step {
  const KernelTable& kernels;
  ThreadPool& threads;
  Scratch& scratch;
  std::span<const Segment> segments;
  std::vector<RowPlace> places;         // one per row
  Rows embedded;                        // what the input layer made of the rows, where a layer reads it again
  std::vector<std::size_t> first_rows;  // of each segment
  std::vector<RopeTable> ropes;         // one per distinct RopeSpec of the model
  std::vector<AlibiTable> alibis;       // one per distinct AlibiSpec
  Buffer rounded;                       // for inputs of linear maps that nobody rounded before
  RepackedWeights* repacked = nullptr;  // where weights may be repacked
  LowRankPass* low_rank = nullptr;      // where a text of the step has an adapter

  std::size_t rows() const { return places.size(); }
  // `n` floats of the recurrent state of a segment's sequence.
  std::span<float> recurrent(std::size_t segment, StateSlot slot, std::size_t n) const {
    return segments[segment].state->recurrent(slot.layer).subspan(slot.first_float, n);
  }
};

// Below this many multiply-adds waking other threads costs more than it saves.
inline constexpr std::size_t kWorthSharing = 32768;

// task(i, worker) for i < n; on all threads where the whole is worth it. `work` counts multiply-adds,
// roughly.
template <class F>
void share(Step& step, std::size_t n, std::size_t work, F&& task) {
  if (work < kWorthSharing) {
    for (std::size_t i = 0; i < n; ++i) task(i, 0);
  } else {
    step.threads.parallel_for(n, task);
  }
}

// task(row, worker) for row < rows, neighbours on the same thread: what they share of a cache line stays
// there.
template <class F>
void share_rows(Step& step, std::size_t rows, std::size_t work, F&& task) {
  constexpr std::size_t kMost = 16;
  const std::size_t threads = static_cast<std::size_t>(step.threads.size());
  const std::size_t together = std::clamp<std::size_t>((rows + threads - 1) / threads, 1, kMost);
  share(step, (rows + together - 1) / together, work, [&](std::size_t i, int worker) {
    for (std::size_t row = i * together; row < std::min(rows, (i + 1) * together); ++row) task(row, worker);
  });
}

}  // namespace continuo
