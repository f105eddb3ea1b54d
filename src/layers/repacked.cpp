#include "layers/repacked.h"

#include <algorithm>
#include <new>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::size_t kParts = 8;                      // steps over which repacking is spread
constexpr std::size_t kBuffer = std::size_t{16} << 20;  // bytes that are asked for at once
constexpr std::size_t kPanelsTogether = 16;            // panels that a thread repacks at a time

std::size_t panel_bytes(const KernelTable& kernels, const Matrix& w) {
  return repacked_bytes(w.format, kernels.int8->panel, w.cols);
}
std::size_t panels_of(const KernelTable& kernels, const Matrix& w) { return w.rows / kernels.int8->panel; }

}  // namespace

void RepackedWeights::want(const Matrix& w) {
  if (!kernels_.int8 || w.layout != Layout::out_major || w.rows % kernels_.int8->panel != 0) return;
  if (!kernels_.int8->repack[static_cast<std::size_t>(w.format)]) return;
  if (!index_.try_emplace(w.data, wanted_.size()).second) return;
  wanted_.push_back({w, nullptr});
  wanted_bytes_ += panels_of(kernels_, w) * panel_bytes(kernels_, w);
}

const std::byte* RepackedWeights::find(const Matrix& w, std::size_t first) const {
  const auto found = index_.find(w.data);
  if (found == index_.end()) return nullptr;
  const Entry& entry = wanted_[found->second];
  // Another matrix may begin at the same byte.
  const bool same = entry.weight.format == w.format && entry.weight.rows == w.rows && entry.weight.cols == w.cols &&
                    entry.weight.stride == w.stride;
  if (!entry.panels || !same) return nullptr;
  CONTINUO_CHECK(first % kernels_.int8->panel == 0, "outputs that begin within a panel");
  return entry.panels + first / kernels_.int8->panel * panel_bytes(kernels_, w);
}

std::byte* RepackedWeights::room_for(std::size_t bytes) {
  if (buffers_.empty() || buffers_.back().size() - used_ < bytes) {
    buffers_.emplace_back(std::max(bytes, kBuffer));
    used_ = 0;
  }
  std::byte* const room = buffers_.back().data() + used_;
  used_ += bytes;
  return room;
}

// False where nothing is left to do.
bool RepackedWeights::repack_next(ThreadPool& threads) {
  if (done_ == wanted_.size()) return false;
  const Matrix& w = wanted_[done_].weight;
  const std::size_t panel = kernels_.int8->panel, panels = panels_of(kernels_, w), bytes = panel_bytes(kernels_, w);
  const std::size_t row_bytes = stored_bytes(w.format, w.stride);
  std::byte* const room = room_for(panels * bytes);
  threads.parallel_for((panels + kPanelsTogether - 1) / kPanelsTogether, [&](std::size_t i, int) {
    const std::size_t first = i * kPanelsTogether, n = std::min(kPanelsTogether, panels - first);
    kernels_.int8->repack[static_cast<std::size_t>(w.format)](w.data + first * panel * row_bytes, row_bytes, n * panel,
                                                              w.cols, room + first * bytes);
  });
  if (storage_) release_pages(*storage_, {w.data, w.rows * row_bytes});
  wanted_[done_++].panels = room;
  return true;
}

void RepackedWeights::go_on(ThreadPool& threads) {
  std::size_t bytes = 0;
  while (bytes <= wanted_bytes_ / kParts && done_ < wanted_.size()) {
    const Matrix& w = wanted_[done_].weight;
    bytes += panels_of(kernels_, w) * panel_bytes(kernels_, w);
    repack_next(threads);
  }
}

void RepackedWeights::finish(ThreadPool& threads) {
  while (repack_next(threads)) {
  }
}

}  // namespace continuo
