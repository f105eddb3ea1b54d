#include "layers/repacked.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::size_t kParts = 8;                      // steps over which repacking is spread
constexpr std::size_t kBuffer = std::size_t{4} << 20;  // bytes that are asked for at once
constexpr std::size_t kLine = 64;
constexpr std::size_t kRowsTogether = 256;            // rows that a thread repacks at a time: whole panels
constexpr std::size_t kTwice = std::size_t{4} << 20;  // bytes of weights that are in memory twice at the most, about

// What w becomes; its layout is w's own where it stays as it is.
Matrix repacked_form(const KernelTable& kernels, Matrix w) {
  const std::size_t format = static_cast<std::size_t>(w.format);
  w.data = nullptr;
  if (w.layout == Layout::transposed && format_is_plain(w.format)) {
    w.layout = Layout::row_major;
    w.stride = w.cols;
  } else if (w.layout == Layout::row_major && kernels.int8 && kernels.int8->repack[format] &&
             w.rows >= kernels.int8->panel) {
    w.layout = Layout::panels;
    if (w.paired_head % (2 * kernels.int8->panel) == 0) w.paired_head = 0;  // see repack_panels
  }
  return w;
}

std::size_t repacked_size(const KernelTable& kernels, const Matrix& form) {
  if (form.layout != Layout::panels) return stored_bytes(form.format, form.rows * form.cols);
  const std::size_t panel = kernels.int8->panel;
  return round_up(form.rows, panel) / panel * repacked_bytes(form.format, panel, form.cols);
}

// The last byte that w's values take, and one.
std::size_t extent(const Matrix& w) {
  const std::size_t outer = w.layout == Layout::transposed ? w.cols : w.rows;
  const std::size_t inner = w.layout == Layout::transposed ? w.rows : w.cols;
  return stored_bytes(w.format, (outer - 1) * w.stride) + stored_bytes(w.format, inner);
}

// Rows [first, last) of an transposed matrix one after the other, in tiles of whole cache lines on both sides.
template <class Value>
void transpose(const Matrix& w, std::size_t first, std::size_t last, std::byte* out) {
  constexpr std::size_t kTile = kLine / sizeof(Value);
  const auto value_at = [&](std::size_t r, std::size_t c) { return w.data + (c * w.stride + r) * sizeof(Value); };
  for (std::size_t r0 = first; r0 < last; r0 += kTile) {
    for (std::size_t c0 = 0; c0 < w.cols; c0 += kTile) {
      const std::size_t rows = std::min(kTile, last - r0), cols = std::min(kTile, w.cols - c0);
      Value tile[kTile][kTile], turned[kTile][kTile];
      for (std::size_t c = 0; c < cols; ++c) std::memcpy(tile[c], value_at(r0, c0 + c), rows * sizeof(Value));
      for (std::size_t r = 0; r < kTile; ++r) {
        for (std::size_t c = 0; c < kTile; ++c) turned[r][c] = tile[c][r];
      }
      for (std::size_t r = 0; r < rows; ++r) {
        std::memcpy(out + ((r0 + r) * w.cols + c0) * sizeof(Value), turned[r], cols * sizeof(Value));
      }
    }
  }
}

// Outputs [first, last) of w as panels. Where w.paired_head > 0 and `form` has none, they are in the order
// that follows from undoing the pairs (Matrix::paired_head): then each half of a head takes every other row.
void repack_panels(const Int8Kernels& int8, const Matrix& w, const Matrix& form, std::size_t first, std::size_t last,
                   std::byte* out) {
  const std::size_t row_bytes = stored_bytes(w.format, w.stride), head = w.paired_head - form.paired_head,
                    together = head > 0 ? head / 2 : w.rows;
  const Int8Kernels::Repack repack = int8.repack[static_cast<std::size_t>(w.format)];
  for (std::size_t begin = first; begin < last;) {
    const std::size_t end = std::min(last, (begin / together + 1) * together);
    const std::size_t stored = head > 0 ? begin / head * head + begin % together * 2 + begin % head / together : begin;
    repack(w.data + stored * row_bytes, head > 0 ? 2 * row_bytes : row_bytes, end - begin, w.cols, out);
    out += (end - begin) / int8.panel * repacked_bytes(w.format, int8.panel, w.cols);
    begin = end;
  }
}

void repack_rows(const KernelTable& kernels, const Matrix& w, const Matrix& form, std::size_t first, std::size_t last,
                 std::byte* out) {
  if (form.layout == Layout::panels) {
    const std::size_t panel = kernels.int8->panel;
    repack_panels(*kernels.int8, w, form, first, last, out + first / panel * repacked_bytes(w.format, panel, w.cols));
  } else if (stored_bytes(w.format, 1) == sizeof(std::uint32_t)) {
    transpose<std::uint32_t>(w, first, last, out);
  } else {
    transpose<std::uint16_t>(w, first, last, out);
  }
}

}  // namespace

void RepackedWeights::want(const Matrix& w) {
  const Matrix form = repacked_form(kernels_, w);
  if (form.layout == w.layout || !index_.try_emplace(w.data, wanted_.size()).second) return;
  wanted_.push_back({w, form, round_up(repacked_size(kernels_, form), kLine)});
  wanted_bytes_ += wanted_.back().bytes;
}

const Matrix& RepackedWeights::latest(const Matrix& w) const {
  const auto found = index_.find(w.data);
  if (found == index_.end()) return w;
  const auto& [stored, repacked, bytes] = wanted_[found->second];
  // Another matrix may begin at the same byte.
  const bool same = stored.layout == w.layout && stored.format == w.format && stored.rows == w.rows &&
                    stored.cols == w.cols && stored.stride == w.stride && stored.paired_head == w.paired_head;
  return same && repacked.data ? repacked : w;
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

void RepackedWeights::repack(Entry& entry, ThreadPool& threads) {
  const Matrix& w = entry.stored;
  std::byte* const room = room_for(entry.bytes);
  const std::size_t row_bytes = stored_bytes(w.format, w.layout == Layout::row_major ? w.stride : w.cols);
  const std::size_t slice = std::max<std::size_t>(kTwice / (row_bytes * kRowsTogether), 1) * kRowsTogether;
  for (std::size_t from = 0; from < w.rows; from += slice) {
    const std::size_t to = std::min(w.rows, from + slice);
    threads.parallel_for((to - from + kRowsTogether - 1) / kRowsTogether, [&](std::size_t i, int) {
      const std::size_t first = from + i * kRowsTogether;
      repack_rows(kernels_, w, entry.repacked, first, std::min(to, first + kRowsTogether), room);
    });
    if (model_ && w.layout == Layout::row_major)
      model_->release_pages({w.data + from * row_bytes, (to - from) * row_bytes});
  }
  entry.repacked.data = room;
  if (model_) model_->release_pages({w.data, extent(w)});
}

void RepackedWeights::go_on(ThreadPool& threads) {
  for (std::size_t bytes = 0; done_ < wanted_.size() && bytes <= wanted_bytes_ / kParts;) {
    bytes += wanted_[done_].bytes;
    repack(wanted_[done_++], threads);
  }
}

void RepackedWeights::finish(ThreadPool& threads) {
  while (done_ < wanted_.size()) repack(wanted_[done_++], threads);
}

}  // namespace continuo
