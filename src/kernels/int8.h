// Products of weights in block formats and activations rounded to 8 bits: what is computed, in which order, and how the
// rounded activations lie in memory.
//
// Activations are rounded in blocks of 32: scale a = max |x| / 127 and q = x * (127 / max |x|) to the nearest whole
// number, of two equally near ones the even one. Where max |x| is below kInt8Tiny, a and all q are 0; where it is not
// finite, a is NaN and so is every output.
//
// A weight is d * w + m with w a whole number of 8 bits at the most; `d` holds for a step of 32 or 16 weights, `m`
// (where the format has it) for 32. An output begins at 0 and takes in the blocks in order. For each block:
//
//   for each step:        y = fma(d * a, float(sum of w * q over the step), y)
//   if the format has m:  y = fma(m, a * float(sum of q over the block), y)
//
// The sums are whole numbers below 2^24, so their order is free and their conversion exact.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/format.h"

namespace continuo {

inline constexpr std::size_t kInt8Block = 32;
inline constexpr float kInt8Tiny = 0x1p-100f;

// Rounded activations lie in tiles of tokens, each as wide as the kernels take at once (Int8Kernels::tile),
// the last as wide as tokens are left; the first begins at a cache line, for speed. A tile is a sequence of
// blocks; a block, for a tile of n tokens, is n times 32 values q, token after token, and then four rows of n
// numbers of 4 bytes:
enum Int8Part : std::size_t {
  kInt8Scale = 0,        // a, float32
  kInt8WeightedSum = 1,  // a * float(sum of q), float32
  kInt8Offset = 2,       // -128 * sum of q, int32: what unsigned weights w + 128 count too much
  kInt8OffsetHigh = 3,   // the same for the last 16
  kInt8Parts = 4,
};
inline constexpr std::size_t kInt8BlockBytes = kInt8Block + 4 * kInt8Parts;  // for each token

// Bytes of a token's k activations; k is a multiple of kInt8Block.
constexpr std::size_t int8_bytes(std::size_t k) { return k / kInt8Block * kInt8BlockBytes; }

// Bytes of scratch that a product with k inputs needs.
constexpr std::size_t int8_scratch_bytes(std::size_t k) {
  constexpr std::size_t kLargestVector = 64;
  return (k / kInt8Block * (8 + 3) + 1) * kLargestVector;
}

// Weights may be repacked for a table's products: panel after panel of `Int8Kernels::panel` rows, each as
// many bytes as its rows are stored in, rounded up to whole cache lines. Within a panel everything stands in
// the order in which the products take it; how, is the table's own business. Where rows are no whole panels,
// zeros fill the last.
inline std::size_t repacked_bytes(Format format, std::size_t rows, std::size_t k) {
  constexpr std::size_t kLine = 64;
  return (stored_bytes(format, rows * k) + kLine - 1) / kLine * kLine;
}

// Arithmetic from registers alone, to learn what a processor can do. Returns the operations done, two for each
// multiply-add, a number that grows with `rounds`.
using Peak = std::size_t (*)(std::size_t rounds);

struct Int8Kernels {
  std::size_t tile;  // tokens of a whole tile

  // Rounds n activations, whole blocks, of token t of a tile of `tokens`; `out` is the beginning of the first
  // one's block.
  void (*quantize)(const float* x, std::size_t n, std::size_t t, std::size_t tokens, std::byte* out);

  // y[t * y_stride + r] = the product of row r of w and token t of x, r < rows, t < tokens.
  // w: stored rows, `w_stride` bytes apart, no alignment; x: the tiles of all tokens; scratch: int8_scratch_bytes(k).
  using MatMul = void (*)(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const std::byte* x,
                          std::size_t tokens, float* y, std::size_t y_stride, std::byte* scratch);
  MatMul matmul[kFormatCount];  // null for formats without integer products

  std::size_t panel;  // rows of a panel
  // Repacks `rows` stored rows of w to `out`, which begins at a cache line.
  using Repack = void (*)(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, std::byte* out);
  Repack repack[kFormatCount];  // null for formats that are used as they are stored
  // `matmul` of repacked rows, from the first of a panel on.
  using MatMulRepacked = void (*)(const std::byte* panels, std::size_t rows, std::size_t k, const std::byte* x,
                                  std::size_t tokens, float* y, std::size_t y_stride, std::byte* scratch);
  MatMulRepacked matmul_repacked[kFormatCount];

  Peak peak;  // the products of bytes, summed to 32 bits, that `matmul` is made of
};

}  // namespace continuo
