// A tile of queries: its memory, and the online softmax of its scores.
#if defined(CONTINUO_SIMD_QUERY_TILE_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_QUERY_TILE_INL_H
#undef CONTINUO_SIMD_QUERY_TILE_INL_H
#else
#define CONTINUO_SIMD_QUERY_TILE_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "kernels/kernel_table.h"
#include "kernels/simd/common-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// All in the caller's scratch.
struct QueryTile {
  const AttentionQuery* queries;
  std::size_t n;
  float* packed;  // by groups: [head_dim][queries of the group]
  float* scores;  // [n][kPageKeys]: of a page's keys, then e^(score - largest)
  float* sums;    // [n][attention_sum_floats]: of the span
  float* all;     // the same: of the spans before
  float* page;    // a page's part in float32
  float* scales;  // of a page's values
  std::size_t sum_floats;
  std::size_t from[kQueryTile], to[kQueryTile];  // keys of the page that a query sees: from <= j < to
  // Of the span so far: the largest score, the weights' sum; of the page: what the latter shrank by, and a result.
  float largest[kQueryTile], total[kQueryTile], shrink[kQueryTile], block[kQueryTile];
};

inline QueryTile MakeTile(const AttentionArgs& args, const AttentionQuery* queries, std::size_t n) {
  const std::size_t padded = round_up(args.head_dim, kValuePad);
  auto at = reinterpret_cast<std::uintptr_t>(args.scratch);
  float* next = reinterpret_cast<float*>((at + 63) / 64 * 64);
  const auto take = [&](std::size_t floats) { return std::exchange(next, next + floats); };
  QueryTile tile;
  tile.queries = queries;
  tile.n = n;
  tile.sum_floats = attention_sum_floats(args.head_dim);
  tile.sums = take(kQueryTile * tile.sum_floats);
  tile.all = take(kQueryTile * tile.sum_floats);
  tile.scores = take(kQueryTile * kPageKeys);
  tile.packed = take(kQueryTile * padded);
  tile.page = take(kPageKeys * 2 * padded);
  tile.scales = next;
  return tile;
}

// Caps one query's scores and adds its bias. Page's first key: `start`.
HWY_NOINLINE void AdjustScores(const AttentionArgs& args, const AttentionQuery& query, std::size_t start,
                               std::size_t from, std::size_t to, float* scores) {
  for (std::size_t j = from / kKeyBlock * kKeyBlock; j < to; j += kLanes) {
    V s = hn::LoadU(d, scores + j);
    if (args.attn_logit_softcap > 0) s = Capped(s, hn::Set(d, args.attn_logit_softcap));
    if (query.bias) s = hn::Add(s, hn::LoadU(d, query.bias + start + j));
    hn::StoreU(s, d, scores + j);
  }
}

// `v` where the page's key at + lane is one that the query sees, `other` elsewhere. kWhole: it sees the whole page.
template <bool kWhole>
HWY_INLINE V WhereSeen(V v, V other, std::size_t at, std::size_t from, std::size_t to) {
  if constexpr (kWhole) return v;
  if (to - at < kLanes) v = hn::IfThenElse(hn::FirstN(d, to - at), v, other);
  if (at < from) v = hn::IfThenElse(hn::FirstN(d, from - at), other, v);
  return v;
}

// Lane by lane the largest of one query's scores, in vectors of sixteen lanes.
template <bool kWhole>
HWY_INLINE void LargestInLanes(const float* scores, std::size_t from, std::size_t to, V (&largest)[kGroup]) {
  const V minus_infinity = hn::Set(d, -std::numeric_limits<float>::infinity());
  CONTINUO_UNROLL
  for (V& v : largest) v = minus_infinity;
  CONTINUO_UNROLL
  for (std::size_t j = from / 16 * 16; j < to; j += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      const std::size_t at = j + g * kLanes;
      if (!kWhole && (at >= to || at + kLanes <= from)) continue;
      largest[g] = hn::Max(largest[g], WhereSeen<kWhole>(hn::LoadU(d, scores + at), minus_infinity, at, from, to));
    }
  }
}

// Turns one query's scores into weights e^(score - largest), and sums them lane by lane.
template <bool kWhole>
HWY_INLINE void WeighScores(float* scores, std::size_t from, std::size_t to, V largest, V (&sums)[kGroup]) {
  CONTINUO_UNROLL
  for (V& v : sums) v = hn::Zero(d);
  CONTINUO_UNROLL
  for (std::size_t j = from / 16 * 16; j < to; j += 16) {
    CONTINUO_UNROLL
    for (std::size_t g = 0; g < kGroup; ++g) {
      const std::size_t at = j + g * kLanes;
      if (!kWhole && (at >= to || at + kLanes <= from)) continue;
      const V p = WhereSeen<kWhole>(Exp(hn::Sub(hn::LoadU(d, scores + at), largest)), hn::Zero(d), at, from, to);
      hn::StoreU(p, d, scores + at);
      sums[g] = hn::Add(sums[g], p);
    }
  }
}

// out[q] = what combine makes of the lanes that lanes(whole page?, q, v) sets, for every query; four at a time where
// they see the whole page.
template <class Lanes, class Combine>
HWY_INLINE void ForQueries(const QueryTile& tile, float* out, Lanes&& lanes, Combine combine) {
  const auto whole = [&](std::size_t q) { return tile.to[q] - tile.from[q] == kPageKeys; };
  for (std::size_t q = 0; q < tile.n;) {
    if (q + 4 <= tile.n && whole(q) && whole(q + 1) && whole(q + 2) && whole(q + 3)) {
      V v[4][kGroup];
      CONTINUO_UNROLL
      for (std::size_t i = 0; i < 4; ++i) lanes(std::true_type(), q + i, v[i]);
      hn::StoreU(Reduce16Of4(v, combine), d4, out + q);
      q += 4;
    } else {
      V v[kGroup];
      if (whole(q)) {
        lanes(std::true_type(), q, v);
      } else {
        lanes(std::false_type(), q, v);
      }
      out[q] = Reduce16(v, combine);
      ++q;
    }
  }
}

// Brings what was summed to new largest scores: times e^(old - new).
HWY_NOINLINE void Rescale(QueryTile& tile, std::size_t padded) {
  for (std::size_t q = 0; q < tile.n; q += kLanes) {
    const V old = hn::LoadU(d, tile.largest + q), largest = hn::Max(old, hn::LoadU(d, tile.block + q));
    hn::StoreU(largest, d, tile.largest + q);
    hn::StoreU(Exp(hn::Sub(old, largest)), d, tile.shrink + q);
  }
  for (std::size_t q = 0; q < tile.n; ++q) {
    if (tile.shrink[q] == 1) continue;
    const V shrink = hn::Set(d, tile.shrink[q]);
    float* const sum = tile.sums + q * tile.sum_floats;
    for (std::size_t i = 0; i < padded; i += kLanes) hn::StoreU(hn::Mul(hn::LoadU(d, sum + i), shrink), d, sum + i);
  }
}

// The weights of the tile's queries for the page that begins at key `start`. In passes over all queries, so that none
// waits for its own reductions.
HWY_NOINLINE void Weigh(const AttentionArgs& args, QueryTile& tile, std::size_t start) {
  for (std::size_t q = 0; q < tile.n; ++q) {
    if (args.attn_logit_softcap == 0 && !tile.queries[q].bias) continue;
    AdjustScores(args, tile.queries[q], start, tile.from[q], tile.to[q], tile.scores + q * kPageKeys);
  }
  ForQueries(
      tile, tile.block,
      [&](auto whole, std::size_t q, V(&v)[kGroup]) {
        const float* const scores = tile.scores + q * kPageKeys;
        if constexpr (whole) {
          LargestInLanes<true>(scores, 0, kPageKeys, v);
        } else {
          LargestInLanes<false>(scores, tile.from[q], tile.to[q], v);
        }
      },
      MaxLanes());
  Rescale(tile, round_up(args.head_dim, kValuePad));
  ForQueries(
      tile, tile.block,
      [&](auto whole, std::size_t q, V(&v)[kGroup]) {
        const V largest = hn::Set(d, tile.largest[q]);
        float* const scores = tile.scores + q * kPageKeys;
        if constexpr (whole) {
          WeighScores<true>(scores, 0, kPageKeys, largest, v);
        } else {
          WeighScores<false>(scores, tile.from[q], tile.to[q], largest, v);
        }
      },
      AddLanes());
  for (std::size_t q = 0; q < tile.n; q += kLanes) {
    const V total = hn::LoadU(d, tile.total + q), shrink = hn::LoadU(d, tile.shrink + q);
    hn::StoreU(hn::MulAdd(total, shrink, hn::LoadU(d, tile.block + q)), d, tile.total + q);
  }
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
