// Attention that streams over the keys: kQueryTile queries x kSoftmaxBlock keys at a time.
#if defined(CONTINUO_SIMD_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CONTINUO_SIMD_ATTENTION_INL_H
#undef CONTINUO_SIMD_ATTENTION_INL_H
#else
#define CONTINUO_SIMD_ATTENTION_INL_H
#endif

#include <algorithm>
#include <limits>

#include "kernels/kernel_table.h"
#include "kernels/simd/common-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// Key blocks taken together, so that enough sums are under way to hide the latency of a multiply-add.
inline constexpr std::size_t kKeyBlocks = HWY_MAX_BYTES >= 64 ? 2 : 1;
// Vectors of a value row taken together.
inline constexpr std::size_t kValueVectors = HWY_MAX_BYTES >= 64 ? 4 : 2;

struct QueryTile {
  const AttentionQuery* queries;
  float scores[kQueryTile][kSoftmaxBlock];  // q.k * scale, then e^(score - largest)
  float largest[kQueryTile], total[kQueryTile];
  std::size_t valid[kQueryTile];  // keys of this block that the query sees
};

// scores[q][j] = scale * q.k_j for the keys of `kBlocks` key blocks; each sum runs over d in order.
template <std::size_t kQueries, std::size_t kBlocks>
HWY_INLINE void Scores(const AttentionArgs& args, const float* keys, QueryTile& tile, std::size_t first_key) {
  V sums[kQueries][kBlocks][kGroup];
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t b = 0; b < kBlocks; ++b) {
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) sums[q][b][g] = hn::Zero(d);
    }
  }
  const std::size_t block_floats = args.head_dim * kKeyBlock;
  for (std::size_t i = 0; i < args.head_dim; ++i) {
    CONTINUO_UNROLL
    for (std::size_t b = 0; b < kBlocks; ++b) {
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) {
        const V k = hn::LoadU(d, keys + b * block_floats + i * kKeyBlock + g * kLanes);
        CONTINUO_UNROLL
        for (std::size_t q = 0; q < kQueries; ++q) {
          sums[q][b][g] = hn::MulAdd(hn::Set(d, tile.queries[q].query[i]), k, sums[q][b][g]);
        }
      }
    }
  }
  const V scale = hn::Set(d, args.scale);
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t b = 0; b < kBlocks; ++b) {
      CONTINUO_UNROLL
      for (std::size_t g = 0; g < kGroup; ++g) {
        hn::StoreU(hn::Mul(sums[q][b][g], scale), d, tile.scores[q] + first_key + b * kKeyBlock + g * kLanes);
      }
    }
  }
}

// Turns one query's scores into weights e^(score - largest), shrinks what was summed before to the new largest.
HWY_INLINE void OnlineSoftmax(QueryTile& tile, std::size_t q, float* out, std::size_t padded_dim) {
  float* scores = tile.scores[q];
  const std::size_t valid = tile.valid[q];
  const V minus_infinity = hn::Set(d, -std::numeric_limits<float>::infinity());
  V block_largest = hn::Set(d, tile.largest[q]);
  for (std::size_t j = 0; j < valid; j += kLanes) {
    V s = hn::LoadU(d, scores + j);
    if (valid - j < kLanes) s = hn::IfThenElse(hn::FirstN(d, valid - j), s, minus_infinity);
    block_largest = hn::Max(block_largest, s);
  }
  const V largest = hn::MaxOfLanes(d, block_largest);
  const V shrink = Exp(hn::Sub(hn::Set(d, tile.largest[q]), largest));
  V sums[kGroup];
  CONTINUO_UNROLL
  for (std::size_t g = 0; g < kGroup; ++g) sums[g] = hn::Zero(d);
  for (std::size_t j = 0; j < valid; j += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      const std::size_t at = j + g * kLanes;
      if (at >= valid) continue;
      V p = Exp(hn::Sub(hn::LoadU(d, scores + at), largest));
      if (valid - at < kLanes) p = hn::IfThenElseZero(hn::FirstN(d, valid - at), p);
      hn::StoreU(p, d, scores + at);
      sums[g] = hn::Add(sums[g], p);
    }
  }
  tile.total[q] = hn::GetLane(hn::MulAdd(hn::Set(d, tile.total[q]), shrink, hn::Set(d, Reduce16(sums))));
  tile.largest[q] = hn::GetLane(largest);
  for (std::size_t i = 0; i < padded_dim; i += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, out + i), shrink), d, out + i);
  }
}

// out[q] += sum over keys first <= j < last of weight_j * value_j, in order of j, for kVectors vectors of the row.
template <std::size_t kQueries, std::size_t kVectors>
HWY_INLINE void AddValues(const QueryTile& tile, std::size_t q0, const float* values, std::size_t stride,
                          std::size_t first, std::size_t last, float* out) {
  V sums[kQueries][kVectors];
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c) sums[q][c] = hn::LoadU(d, out + q * stride + c * kLanes);
  }
  for (std::size_t j = first; j < last; ++j) {
    V v[kVectors];
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c) v[c] = hn::LoadU(d, values + j * stride + c * kLanes);
    CONTINUO_UNROLL
    for (std::size_t q = 0; q < kQueries; ++q) {
      const V p = hn::Set(d, tile.scores[q0 + q][j]);
      CONTINUO_UNROLL
      for (std::size_t c = 0; c < kVectors; ++c) sums[q][c] = hn::MulAdd(p, v[c], sums[q][c]);
    }
  }
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c) hn::StoreU(sums[q][c], d, out + q * stride + c * kLanes);
  }
}

template <std::size_t kQueries>
HWY_INLINE void AddValueRows(const QueryTile& tile, std::size_t q0, const float* values, std::size_t stride,
                             std::size_t first, std::size_t last, float* out) {
  if (first >= last) return;
  std::size_t i = 0;
  for (; i + kValueVectors * kLanes <= stride; i += kValueVectors * kLanes) {
    AddValues<kQueries, kValueVectors>(tile, q0, values + i, stride, first, last, out + i);
  }
  for (; i < stride; i += kLanes) AddValues<kQueries, 1>(tile, q0, values + i, stride, first, last, out + i);
}

template <std::size_t kQueries>
HWY_NOINLINE void AttendTile(const AttentionArgs& args, const AttentionQuery* queries) {
  const std::size_t stride = round_up(args.head_dim, kValuePad);
  QueryTile tile;
  tile.queries = queries;
  for (std::size_t q = 0; q < kQueries; ++q) {
    tile.largest[q] = -std::numeric_limits<float>::infinity();
    tile.total[q] = 0;
  }
  std::fill_n(args.scratch, kQueries * stride, 0.0f);
  const std::size_t visible = queries[kQueries - 1].visible;  // the most: `visible` never decreases
  for (std::size_t start = 0; start < visible; start += kSoftmaxBlock) {
    const std::size_t n_keys = std::min(kSoftmaxBlock, visible - start);
    const float* keys = args.keys + start * args.head_dim;
    std::size_t key = 0;
    for (; key + (kKeyBlocks - 1) * kKeyBlock < n_keys; key += kKeyBlocks * kKeyBlock) {
      Scores<kQueries, kKeyBlocks>(args, keys + key * args.head_dim, tile, key);
    }
    for (; key < n_keys; key += kKeyBlock) Scores<kQueries, 1>(args, keys + key * args.head_dim, tile, key);
    std::size_t shared = kSoftmaxBlock;  // keys that all queries of the tile see
    for (std::size_t q = 0; q < kQueries; ++q) {
      const std::size_t seen = queries[q].visible;
      tile.valid[q] = seen > start ? std::min(kSoftmaxBlock, seen - start) : 0;
      shared = std::min(shared, tile.valid[q]);
      if (tile.valid[q] > 0) OnlineSoftmax(tile, q, args.scratch + q * stride, stride);
    }
    const float* values = args.values + start * stride;
    AddValueRows<kQueries>(tile, 0, values, stride, 0, shared, args.scratch);
    for (std::size_t q = 0; q < kQueries; ++q) {
      AddValueRows<1>(tile, q, values, stride, shared, tile.valid[q], args.scratch + q * stride);
    }
  }
  for (std::size_t q = 0; q < kQueries; ++q) {
    const float inverse = 1.0f / tile.total[q];
    for (std::size_t i = 0; i < args.head_dim; ++i) queries[q].out[i] = args.scratch[q * stride + i] * inverse;
  }
}

inline void Attention(const AttentionArgs& args) {
  const AttentionQuery* q = args.queries.data();
  std::size_t left = args.queries.size();
  for (; left >= kQueryTile; left -= kQueryTile, q += kQueryTile) AttendTile<kQueryTile>(args, q);
  if (left == 3) AttendTile<3>(args, q);
  if (left == 2) AttendTile<2>(args, q);
  if (left == 1) AttendTile<1>(args, q);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
