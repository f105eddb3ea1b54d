// Products of repacked weights: see ../int8.h for how they lie and int8-inl.h for what is computed.
#if defined(CONTINUO_SIMD_INT8_REPACKED_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_INT8_REPACKED_INL_H
#undef CONTINUO_SIMD_INT8_REPACKED_INL_H
#else
#define CONTINUO_SIMD_INT8_REPACKED_INL_H
#endif

#include <type_traits>
#include <vector>

#include "kernels/simd/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// How the blocks of a format that is used as bytes or as nibbles stand in a panel: kVectors vectors of weights each, as `Put` makes them from the stored
// columns; At(block, g) are the weights of group g, prepared. Behind the weights of all blocks come, block after block,
// kLanes scales as binary16, then the shifts where the format has them.
template <class Dot, class F>
struct Repacked {  // a byte a weight
  using Kind = PackedKind<Dot, F>;
  static constexpr std::size_t kVectors = 8;
  static HWY_INLINE U Put(U column) { return Dot::template Pack<F::kBias>(column); }
  static HWY_INLINE typename Dot::Weights At(const std::uint32_t* block, std::size_t g) {
    return Dot::template Unpack<Kind::kBias>(hn::Load(du, block + g * kLanes));
  }
};

template <class Dot, class F>
struct RepackedNibbles {  // the columns as they are stored
  using Kind = DirectKind<Dot, F>;
  static constexpr std::size_t kVectors = 4;
  static HWY_INLINE U Put(U column) { return column; }
  static HWY_INLINE U Number(const std::uint32_t* block, std::size_t g) {
    const U both = hn::Load(du, block + g % 4 * kLanes);
    return F::Number(And(g < 4 ? both : hn::ShiftRight<4>(both), kNibbles));
  }
  static HWY_INLINE typename Dot::Weights At(const std::uint32_t* block, std::size_t g) {
    return Dot::template Prepare<F::kBias>(Number(block, g));
  }
};
template <class Dot>
struct Repacked<Dot, Int8Q4_0> : RepackedNibbles<Dot, Int8Q4_0> {};
template <class Dot>
struct Repacked<Dot, Int8Q4_1> : RepackedNibbles<Dot, Int8Q4_1> {};
template <class Dot>
struct Repacked<Dot, Int8IQ4_NL> : RepackedNibbles<Dot, Int8IQ4_NL> {};

// binary16 numbers of kLanes rows of which a block has one, or two.
template <class F>
inline constexpr std::size_t kHalves = F::kShifted ? 2 : 1;

// Formats that are repacked by columns instead (PanelRows), all bits where they were stored.
template <class F>
inline constexpr bool kByColumns = requires {
  F::kWords;
};

template <class F>
void RepackPanelByColumns(StoredRows stored, std::size_t blocks, std::byte* out) {
  auto* words = reinterpret_cast<std::uint32_t*>(out);
  std::byte* tails = out + blocks * F::kWords * kLanes * sizeof(std::uint32_t);
  const auto row = [&](std::size_t r) { return stored.quarter[r / 4] + r % 4 * stored.stride; };
  for (std::size_t b = 0; b < blocks; ++b, stored.Advance(format_info(F::kFormat).block_bytes)) {
    std::size_t word = 0;
    for (; word + 4 <= F::kWords; word += 4) {
      U columns[4];
      LoadColumns(stored, F::kWordsAt + 4 * word, columns);
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 4; ++i) hn::Store(columns[i], du, words + (word + i) * kLanes);
    }
    for (; word < F::kWords; ++word) {
      for (std::size_t r = 0; r < kLanes; ++r) {
        std::memcpy(words + word * kLanes + r, row(r) + F::kWordsAt + 4 * word, sizeof(std::uint32_t));
      }
    }
    words += F::kWords * kLanes;
    for (std::size_t r = 0; r < kLanes; ++r, tails += F::kTailBytes) {
      if constexpr (F::kTailBytes != 0) std::memcpy(tails, row(r) + F::kTailAt, F::kTailBytes);
    }
  }
}

template <class Dot, class F>
void RepackPanel(StoredRows stored, std::size_t blocks, std::byte* out) {
  using As = Repacked<Dot, F>;
  const FormatInfo& info = format_info(F::kFormat);
  const std::byte* block = stored.quarter[0];
  auto* weights = reinterpret_cast<std::uint32_t*>(out);
  auto* halves = reinterpret_cast<std::uint16_t*>(weights + blocks * As::kVectors * kLanes);
  for (std::size_t b = 0; b < blocks; ++b, stored.Advance(info.block_bytes), block += info.block_bytes) {
    const Columns<StoredRows, As::kVectors> columns(stored, info.block_bytes - 4 * As::kVectors);
    CONTINUO_UNROLL
    for (std::size_t i = 0; i < As::kVectors; ++i) hn::Store(As::Put(columns[i]), du, weights + i * kLanes);
    weights += As::kVectors * kLanes;
    for (std::size_t h = 0; h < kHalves<F>; ++h) {
      for (std::size_t r = 0; r < kLanes; ++r, ++halves) std::memcpy(halves, block + r * stored.stride + 2 * h, 2);
    }
  }
}

template <class Dot, class F>
void RepackRows(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, std::byte* out) {
  const std::size_t panel_bytes = repacked_bytes(F::kFormat, kLanes, k);
  for (std::size_t first = 0; first < rows; first += kLanes, out += panel_bytes) {
    if (rows - first < kLanes) {
      const std::size_t row_bytes = stored_bytes(F::kFormat, k);
      std::vector<std::byte> filled(kLanes * row_bytes);
      for (std::size_t r = 0; r < rows - first; ++r) {
        std::memcpy(filled.data() + r * row_bytes, w + (first + r) * w_stride, row_bytes);
      }
      return RepackRows<Dot, F>(filled.data(), row_bytes, kLanes, k, out);
    }
    const StoredRows stored(w + first * w_stride, w_stride);
    if constexpr (kByColumns<F>) {
      RepackPanelByColumns<F>(stored, k / format_info(F::kFormat).block_values, out);
    } else {
      RepackPanel<Dot, F>(stored, k / kInt8Block, out);
    }
  }
}

// kPanels panels, of which the first `rows` rows are wanted, and a tile of kTokens tokens.
template <class Dot, class F, std::size_t kPanels, std::size_t kTokens>
HWY_NOINLINE void MultiplyRepacked(const std::byte* panels, std::size_t rows, std::size_t blocks, const std::byte* x,
                                   float* y, std::size_t y_stride, Fetch& fetch) {
  using As = Repacked<Dot, F>;
  constexpr std::size_t kWords = As::kVectors * kLanes;
  const std::size_t panel_bytes = repacked_bytes(F::kFormat, kLanes, blocks * kInt8Block);
  const std::uint32_t* weights[kPanels];
  const std::uint16_t* halves[kPanels];
  V sums[kPanels][kTokens];
  CONTINUO_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) {
    weights[p] = reinterpret_cast<const std::uint32_t*>(panels + p * panel_bytes);
    halves[p] = reinterpret_cast<const std::uint16_t*>(weights[p] + blocks * kWords);
    CONTINUO_UNROLL
    for (std::size_t t = 0; t < kTokens; ++t) sums[p][t] = hn::Zero(d);
  }
  const std::size_t lines = fetch.Lines(kTokens);
  for (std::size_t b = 0; b < blocks; ++b, x += kInt8BlockBytes * kTokens) {
    fetch.Step(lines);
    CONTINUO_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) {
      AddBlock<Dot, typename As::Kind>(
          x, [&](std::size_t g) HWY_ATTR { return As::At(weights[p], g); },
          [&](std::size_t) HWY_ATTR { return HalvesAt(halves[p]); }, sums[p]);
      if constexpr (F::kShifted) AddShift(x, HalvesAt(halves[p] + kLanes), sums[p]);
      weights[p] += kWords;
      halves[p] += kHalves<F> * kLanes;
    }
  }
  CONTINUO_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) StoreRows(sums[p], rows - p * kLanes, y + p * kLanes, y_stride);
}

// The same for panels that are repacked by columns.
template <class Dot, class F, std::size_t kPanels, std::size_t kTokens>
HWY_NOINLINE void MultiplyColumns(const std::byte* panels, std::size_t rows, std::size_t blocks, const std::byte* x,
                                  float* y, std::size_t y_stride, Fetch& fetch) {
  const std::size_t panel_bytes = repacked_bytes(F::kFormat, kLanes, blocks * kInt8Block);
  PanelRows<F> first(panels, blocks / F::kBlocks), second(panels + panel_bytes, blocks / F::kBlocks);
  V sums[2][kTokens];
  CONTINUO_UNROLL
  for (std::size_t t = 0; t < kTokens; ++t) sums[0][t] = sums[1][t] = hn::Zero(d);
  const std::size_t lines = fetch.Lines(kTokens);
  for (std::size_t b = 0; b < blocks; b += F::kBlocks, x += F::kBlocks * kInt8BlockBytes * kTokens) {
    AddStoredBlock<Dot, F>(first, x, sums[0], [&]() HWY_ATTR { fetch.Step(lines); });
    first.Advance(0);
    if constexpr (kPanels == 2) {
      AddStoredBlock<Dot, F>(second, x, sums[1], [] {});
      second.Advance(0);
    }
  }
  StoreRows(sums[0], rows, y, y_stride);
  if constexpr (kPanels == 2) StoreRows(sums[1], rows - kLanes, y + kLanes, y_stride);
}

// The function for a tile of `tokens`, 1 <= tokens <= kMost.
template <class Dot, class F, std::size_t kPanels, std::size_t kMost>
HWY_INLINE void RepackedTile(const std::byte* panels, std::size_t rows, std::size_t blocks, const std::byte* x,
                             std::size_t tokens, float* y, std::size_t y_stride, Fetch& fetch) {
  if constexpr (kMost > 1) {
    if (tokens < kMost) {
      return RepackedTile<Dot, F, kPanels, kMost - 1>(panels, rows, blocks, x, tokens, y, y_stride, fetch);
    }
  }
  if constexpr (kByColumns<F>) {
    MultiplyColumns<Dot, F, kPanels, kMost>(panels, rows, blocks, x, y, y_stride, fetch);
  } else {
    MultiplyRepacked<Dot, F, kPanels, kMost>(panels, rows, blocks, x, y, y_stride, fetch);
  }
}

// Panels that few tokens take together: as many streams from memory.
inline constexpr std::size_t kPanelsTogether = 2;
inline constexpr std::size_t kFewTokens = 4;

// A repacked panel of nibbles as PackPanel would leave it.
template <class Dot, class F>
HWY_NOINLINE void UnpackNibbles(const std::byte* panel, std::size_t blocks, float* packed) {
  using As = Repacked<Dot, F>;
  const auto* weights = reinterpret_cast<const std::uint32_t*>(panel);
  const auto* halves = reinterpret_cast<const std::uint16_t*>(weights + blocks * As::kVectors * kLanes);
  for (std::size_t b = 0; b < blocks; ++b, weights += As::kVectors * kLanes) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < 8; ++g, packed += kLanes) {
      hn::Store(hn::BitCast(d, Dot::template Pack<F::kBias>(As::Number(weights, g))), d, packed);
    }
    CONTINUO_UNROLL
    for (std::size_t h = 0; h < kHalves<F>; ++h, halves += kLanes, packed += kLanes) {
      hn::Store(HalvesAt(halves), d, packed);
    }
  }
}

// More tokens than a few.
template <class Dot, class F>
struct RepackedProducts {
  static void Multiply(const std::byte* panels, std::size_t rows, std::size_t k, const std::byte* x, std::size_t tokens,
                       float* y, std::size_t y_stride, std::byte* scratch) {
    const std::size_t blocks = k / kInt8Block, panel_bytes = repacked_bytes(F::kFormat, kLanes, k);
    Fetch fetch(panel_bytes, blocks * tokens);  // each tile of tokens brings its part of the next panel
    for (std::size_t r = 0; r < rows; r += kLanes, panels += panel_bytes) {
      if (r + kLanes < rows) fetch.From(panels + panel_bytes);
      if constexpr (Repacked<Dot, F>::kVectors == 4 && Dot::kWorthUnpacking > 0) {
        if (tokens >= Dot::kWorthUnpacking) {
          float* const packed = AlignedScratch(scratch);
          UnpackNibbles<Dot, F>(panels, blocks, packed);
          const Int8Panel p{
              .rows = {panels, 0}, .n = rows - r, .blocks = blocks, .y = y + r, .y_stride = y_stride, .ahead = 0};
          PackedProducts<Dot, PackedKind<Dot, F>>::Multiply(p, packed, k, x, tokens);
          continue;
        }
      }
      for (std::size_t t = 0; t < tokens; t += Dot::kTile) {
        RepackedTile<Dot, F, 1, Dot::kTile>(panels, rows - r, blocks, x + t * int8_bytes(k),
                                            std::min(Dot::kTile, tokens - t), y + t * y_stride + r, y_stride, fetch);
      }
    }
  }
};

// Panels by columns: unpacked once for all tokens.
template <class Dot, class F>
void MultiplyManyByColumns(const std::byte* panels, std::size_t rows, std::size_t k, const std::byte* x,
                           std::size_t tokens, float* y, std::size_t y_stride, std::byte* scratch) {
  const std::size_t blocks = k / kInt8Block, panel_bytes = repacked_bytes(F::kFormat, kLanes, k);
  float* const packed = AlignedScratch(scratch);
  for (std::size_t r = 0; r < rows; r += kLanes, panels += panel_bytes) {
    PackPanel<Dot, F>(PanelRows<F>(panels, blocks / F::kBlocks), blocks, packed);
    const Int8Panel p{
        .rows = {panels, 0}, .n = rows - r, .blocks = blocks, .y = y + r, .y_stride = y_stride, .ahead = 0};
    PackedProducts<Dot, PackedKind<Dot, F>>::Multiply(p, packed, k, x, tokens);
  }
}

// Where a way for few tokens finds the same panels, it need not be there twice.
template <class Dot, class F>
constexpr bool SamePanels() {
  if constexpr (kByColumns<F>) {
    return true;
  } else {
    return std::is_base_of_v<RepackedNibbles<Dot, F>, Repacked<Dot, F>>;
  }
}
template <class Dot, class F>
using FewDot = std::conditional_t<SamePanels<Dot, F>(), typename Dot::ForFew, Dot>;

template <class Dot, class F>
void MatMulRepacked(const std::byte* panels, std::size_t rows, std::size_t k, const std::byte* x, std::size_t tokens,
                    float* y, std::size_t y_stride, std::byte* scratch) {
  if (tokens == 0) return;
  if (tokens > kFewTokens) {
    if constexpr (kByColumns<F>) {
      return MultiplyManyByColumns<Dot, F>(panels, rows, k, x, tokens, y, y_stride, scratch);
    } else {
      return RepackedProducts<Dot, F>::Multiply(panels, rows, k, x, tokens, y, y_stride, scratch);
    }
  }
  using Few = FewDot<Dot, F>;
  const std::size_t blocks = k / kInt8Block, panel_bytes = repacked_bytes(F::kFormat, kLanes, k);
  constexpr std::size_t kTogether = kPanelsTogether * kLanes;
  const std::size_t bytes = kPanelsTogether * panel_bytes;
  Fetch fetch(bytes, blocks * tokens);
  const bool outruns = tokens == 1 && Few::kOutrunsMemory && !SamePanels<Dot, F>();
  const bool fetches = !outruns || !streams_by_itself();
  std::size_t r = 0;
  for (; r + kLanes < rows; r += kTogether, panels += bytes) {
    if (fetches) fetch.From(panels + bytes);
    RepackedTile<Few, F, kPanelsTogether, kFewTokens>(panels, rows - r, blocks, x, tokens, y + r, y_stride, fetch);
  }
  if (r < rows) RepackedTile<Few, F, 1, kFewTokens>(panels, rows - r, blocks, x, tokens, y + r, y_stride, fetch);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
