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
  float scores[kQueryTile][kSoftmaxBlock];  // of the block's keys, then e^(score - largest)
  float largest[kQueryTile], total[kQueryTile];
  std::size_t from[kQueryTile], to[kQueryTile];  // keys of the block that the query sees: from <= j < to
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
      for (std::size_t g = 0; g < kGroup; ++g)
        sums[q][b][g] = hn::Zero(d);
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

// Caps one query's scores and adds its bias. Block's first key: `start`.
HWY_NOINLINE void AdjustScores(const AttentionArgs& args, const AttentionQuery& query, std::size_t start,
                               std::size_t from, std::size_t to, float* scores) {
  for (std::size_t j = from / kKeyBlock * kKeyBlock; j < to; j += kLanes) {
    V s = hn::LoadU(d, scores + j);
    if (args.score_cap > 0) s = Capped(s, hn::Set(d, args.score_cap));
    if (query.bias) s = hn::Add(s, hn::LoadU(d, query.bias + start + j));
    hn::StoreU(s, d, scores + j);
  }
}

// `v` where the block's key at + lane is one that the query sees, `other` elsewhere.
template <bool kFromStart>
HWY_INLINE V WhereSeen(V v, V other, std::size_t at, std::size_t from, std::size_t to) {
  if (to - at < kLanes) v = hn::IfThenElse(hn::FirstN(d, to - at), v, other);
  if constexpr (!kFromStart) {
    if (at < from) v = hn::IfThenElse(hn::FirstN(d, from - at), other, v);
  }
  return v;
}

// Turns one query's scores into weights e^(score - largest), shrinks what was summed before to the new
// largest. kFromStart: it sees the block's first key.
template <bool kFromStart>
HWY_INLINE void OnlineSoftmax(QueryTile& tile, std::size_t q, float* out, std::size_t padded_dim) {
  float* scores = tile.scores[q];
  const std::size_t from = kFromStart ? 0 : tile.from[q], to = tile.to[q];
  const V minus_infinity = hn::Set(d, -std::numeric_limits<float>::infinity());
  V block_largest = hn::Set(d, tile.largest[q]);
  for (std::size_t j = from / kLanes * kLanes; j < to; j += kLanes) {
    block_largest =
        hn::Max(block_largest, WhereSeen<kFromStart>(hn::LoadU(d, scores + j), minus_infinity, j, from, to));
  }
  const V largest = hn::MaxOfLanes(d, block_largest);
  const V shrink = Exp(hn::Sub(hn::Set(d, tile.largest[q]), largest));
  V sums[kGroup];
  CONTINUO_UNROLL
  for (std::size_t g = 0; g < kGroup; ++g)
    sums[g] = hn::Zero(d);
  for (std::size_t j = from / 16 * 16; j < to; j += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      const std::size_t at = j + g * kLanes;
      if (at >= to || at + kLanes <= from) continue;
      const V p =
          WhereSeen<kFromStart>(Exp(hn::Sub(hn::LoadU(d, scores + at), largest)), hn::Zero(d), at, from, to);
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

// out[q] += sum over keys first <= j < last of weight_j * value_j, in order of j, for kVectors vectors of the
// row.
template <std::size_t kQueries, std::size_t kVectors>
HWY_INLINE void AddValues(const QueryTile& tile, std::size_t q0, const float* values, std::size_t stride,
                          std::size_t first, std::size_t last, float* out) {
  V sums[kQueries][kVectors];
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c)
      sums[q][c] = hn::LoadU(d, out + q * stride + c * kLanes);
  }
  for (std::size_t j = first; j < last; ++j) {
    V v[kVectors];
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c)
      v[c] = hn::LoadU(d, values + j * stride + c * kLanes);
    CONTINUO_UNROLL
    for (std::size_t q = 0; q < kQueries; ++q) {
      const V p = hn::Set(d, tile.scores[q0 + q][j]);
      CONTINUO_UNROLL
      for (std::size_t c = 0; c < kVectors; ++c)
        sums[q][c] = hn::MulAdd(p, v[c], sums[q][c]);
    }
  }
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kVectors; ++c)
      hn::StoreU(sums[q][c], d, out + q * stride + c * kLanes);
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
  for (; i < stride; i += kLanes)
    AddValues<kQueries, 1>(tile, q0, values + i, stride, first, last, out + i);
}

// The scores of the keys first <= j < last of a block; a few more on either side may be computed.
template <std::size_t kQueries>
HWY_INLINE void ScoreRows(const AttentionArgs& args, const float* keys, QueryTile& tile, std::size_t first,
                          std::size_t last) {
  std::size_t key = first / kKeyBlock * kKeyBlock;
  for (; key + (kKeyBlocks - 1) * kKeyBlock < last; key += kKeyBlocks * kKeyBlock) {
    Scores<kQueries, kKeyBlocks>(args, keys + key * args.head_dim, tile, key);
  }
  for (; key < last; key += kKeyBlock)
    Scores<kQueries, 1>(args, keys + key * args.head_dim, tile, key);
}

// The queries' weights for the block that begins at key `start`.
template <std::size_t kQueries>
HWY_INLINE void Weigh(const AttentionArgs& args, QueryTile& tile, std::size_t start, std::size_t stride) {
  for (std::size_t q = 0; q < kQueries; ++q) {
    const AttentionQuery& query = tile.queries[q];
    tile.to[q] = query.visible > start ? std::min(kSoftmaxBlock, query.visible - start) : 0;
    tile.from[q] = std::min(query.first > start ? query.first - start : 0, tile.to[q]);
    if (tile.from[q] == tile.to[q]) continue;
    if (query.bias || args.score_cap > 0) {
      AdjustScores(args, query, start, tile.from[q], tile.to[q], tile.scores[q]);
    }
    if (tile.from[q] == 0) {
      OnlineSoftmax<true>(tile, q, args.scratch + q * stride, stride);
    } else {
      OnlineSoftmax<false>(tile, q, args.scratch + q * stride, stride);
    }
  }
}

// Adds the block's values: those that all queries of the tile see for all at once, in every query's order of
// keys.
template <std::size_t kQueries>
HWY_INLINE void AddBlock(const QueryTile& tile, const float* values, std::size_t stride, float* out) {
  // Neither end ever decreases from query to query.
  const std::size_t shared_from = tile.from[kQueries - 1], shared_to = std::max(shared_from, tile.to[0]);
  for (std::size_t q = 0; q < kQueries; ++q) {
    AddValueRows<1>(tile, q, values, stride, tile.from[q], std::min(shared_from, tile.to[q]),
                    out + q * stride);
  }
  AddValueRows<kQueries>(tile, 0, values, stride, shared_from, shared_to, out);
  for (std::size_t q = 0; q < kQueries; ++q) {
    AddValueRows<1>(tile, q, values, stride, shared_to, tile.to[q], out + q * stride);
  }
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
  // `first` and `visible` never decrease: the first query sees the earliest key, the last one the latest.
  const std::size_t first = queries[0].first, visible = queries[kQueries - 1].visible;
  for (std::size_t start = first / kPageKeys * kPageKeys; start < visible; start += kPageKeys) {
    const float* const keys = args.pages[start / kPageKeys] + args.head_offset;
    const std::size_t last = std::min(kPageKeys, visible - start);
    ScoreRows<kQueries>(args, keys, tile, first > start ? first - start : 0, last);
    Weigh<kQueries>(args, tile, start, stride);
    AddBlock<kQueries>(tile, keys + kPageKeys * args.head_dim, stride, args.scratch);
  }
  for (std::size_t q = 0; q < kQueries; ++q) {
    const float inverse = 1.0f / tile.total[q];
    for (std::size_t i = 0; i < args.head_dim; ++i)
      queries[q].out[i] = args.scratch[q * stride + i] * inverse;
  }
}

inline void Attention(const AttentionArgs& args) {
  const AttentionQuery* q = args.queries.data();
  std::size_t left = args.queries.size();
  for (; left >= kQueryTile; left -= kQueryTile, q += kQueryTile)
    AttendTile<kQueryTile>(args, q);
  if (left == 3) AttendTile<3>(args, q);
  if (left == 2) AttendTile<2>(args, q);
  if (left == 1) AttendTile<1>(args, q);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
