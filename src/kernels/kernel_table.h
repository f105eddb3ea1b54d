// The arithmetic of the forward pass on plain arrays: no models, no threads. One table per instruction set. Every
// output is computed by the same operations in the same order in every table, so tables with fused multiply-add
// agree bit for bit, and no output depends on which other outputs are computed with it:
//
//   dot16(a, b, n)   sixteen partial sums: lane l takes elements l, l + 16, ... by fused multiply-add; elements
//                    missing from the last group count as 0; then reduce16
//   sum16(a, n)      the same by addition
//   reduce16(s)      lanes i and i + 8 added, then i and i + 4, i and i + 2, i and i + 1
//   exp, tanh        our own polynomials (reference_math.h), each step written out
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernels/int8.h"
#include "kernels/kv_page.h"
#include "kernels/scan.h"
#include "quant/format.h"

namespace continuo {

// Attention goes over the keys in blocks of kPageKeys and spans of kSpanKeys, both counted from position 0. Of a span a
// query sums up the weights e^(score - largest) and the values times them, block after block in order, with the largest
// score so far: what was summed is rescaled once a block. Spans' sums are merged in order, so they may be computed
// anywhere.
inline constexpr std::size_t kSpanKeys = 8 * kPageKeys;

struct AttentionQuery {
  const float* query;  // head_dim
  float* out;          // head_dim
  const float* bias;   // null, or bias[j] is added to the scaled (and capped) score of key j; readable up to whole
                       // key blocks
  std::size_t first;   // sees the keys [first, visible), at least one
  std::size_t visible;
};

struct AttentionArgs {
  std::span<const AttentionQuery> queries;  // of heads that share their keys; `first` and `visible` never decrease
  // page i holds positions [i * kPageKeys, (i + 1) * kPageKeys) as kv_page.h says; pages wholly before the first
  // visible key are never read
  const std::byte* const* pages;
  std::size_t head_offset;  // bytes from a page's beginning to this head's part
  std::size_t head_dim;
  float scale;  // multiplies q.k
  // above 0: scaled scores s become attn_logit_softcap * tanh(s / attn_logit_softcap)
  float attn_logit_softcap;
  float* scratch;  // attention_scratch(head_dim) floats
  // A head's part of a page that is likely to be read next, and may be brought closer; or null.
  const std::byte* next = nullptr;
};

// Queries that a kernel takes together at the most: a page's keys and values serve all of them from the cache.
inline constexpr std::size_t kQueryTile = 48;

// What a query has summed over a span: padded values, then the largest score and the weights' sum.
constexpr std::size_t attention_sum_floats(std::size_t head_dim) { return round_up(head_dim, kValuePad) + kValuePad; }

// Two sums, a padded query and a block's scores for each query; a page in float32 with its scales; a line to begin at
// one.
constexpr std::size_t attention_scratch(std::size_t head_dim) {
  const std::size_t padded = round_up(head_dim, kValuePad);
  return kQueryTile * (2 * attention_sum_floats(head_dim) + padded + kPageKeys) +
         kPageKeys * (2 * padded + round_up(head_dim, kScaleBlock) / kScaleBlock) + 16;
}

struct KernelTable {
  std::string_view name;  // "avx3_amx", "avx3_vnni", "avx3", "avx2", "sse4", "reference"
  bool fused;             // has fused multiply-add, hence agrees with the reference bit for bit

  // y[t * y_stride + r] = dot16(row r of w, row t of x, k) for r < rows, t < tokens.
  // w: stored rows, `w_stride` bytes apart, no alignment; x: rows `x_stride` floats apart. k: whole blocks of w's
  // format.
  using MatMul = void (*)(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
                          std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride);
  MatMul matmul[kFormatCount];

  // The exact float32 values of n stored ones, whole blocks of them.
  using Unpack = void (*)(const std::byte* stored, float* values, std::size_t n);
  Unpack unpack[kFormatCount];

  // matmul for one token and weights stored the other way round: y[o] = dot16(column o of w, x, k) for o < outputs,
  // where input i's weights for all outputs are a row of w, `w_stride` bytes after the row before.
  // scratch: 16 * outputs floats. Null for formats that store several values in a block.
  using VectorInMajor = void (*)(const std::byte* w, std::size_t w_stride, std::size_t outputs, std::size_t k,
                                 const float* x, float* y, float* scratch);
  VectorInMajor vector_transposed[kFormatCount];

  // Norms of a row; `out` may be x.
  // out = x / sqrt(sum16(x^2) / n + eps) * weight
  void (*rms_norm)(const float* x, const float* weight, float eps, float* out, std::size_t n);
  // out = (x - mean) / sqrt(variance + eps) * weight + bias; a null bias is left out
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float eps, float* out, std::size_t n);

  // Activations in place; where `up` is not null the result is multiplied by it.
  using Activate = void (*)(float* x, const float* up, std::size_t n);
  Activate silu;        // x / (1 + e^-x), Elfwing et al. 2017, arXiv:1702.03118
  Activate gelu_tanh;   // Hendrycks & Gimpel 2016, arXiv:1606.08415, the tanh form
  Activate gelu_erf;    // the same, exact
  Activate gelu_quick;  // the same, x / (1 + e^(-1.702 x))
  Activate relu;
  Activate relu_squared;  // max(x, 0)^2, So et al. 2021, arXiv:2109.08668
  Activate sigmoid, tanh;

  // x += scale * y; the product is rounded before the sum
  void (*add)(float* x, const float* y, float scale, std::size_t n);

  // x = cap * tanh(x / cap), in place
  void (*soft_cap)(float* x, float cap, std::size_t n);

  // Turn n pairs by the angles whose cosines and sines are given: (x[i], x[i + n]) and (x[2i], x[2i + 1]).
  using Rope = void (*)(float* x, const float* cos, const float* sin, std::size_t n);
  Rope rope, rope_interleaved;

  // out = softmax(cap(scale * q.k) + bias) v for each query, streaming over the keys with memory that does not
  // depend on their number (Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135).
  // By the format of keys and values; null but for kv_types().
  using Attention = void (*)(const AttentionArgs& args);
  Attention attention[kFormatCount];
  // The sums of each query over the keys [span * kSpanKeys, (span + 1) * kSpanKeys) alone; attention_sum_floats each,
  // one query's after the other's. `out` is not written.
  using AttentionSpan = void (*)(const AttentionArgs& args, std::size_t span, float* sums);
  AttentionSpan attention_span[kFormatCount];
  // out = what the n sums of one query, `stride` floats apart, of spans in order, come to. The first sum is
  // overwritten.
  void (*merge_attention)(float* sums, std::size_t n, std::size_t stride, std::size_t head_dim, float* out);

  const ScanKernels* scan;  // of recurrent mixers
  const Int8Kernels* int8;  // products of weights in block formats and rounded activations; null: exact ones instead
  Peak peak_fma;            // multiply-adds
};

// All tables that this processor can run, best first; the last is the scalar reference.
std::span<const KernelTable* const> available_kernels();
const KernelTable& best_kernels();
// The table of that name, or null if there is none or this processor cannot run it.
const KernelTable* find_kernels(std::string_view name);

}  // namespace continuo
