// Attention that streams over the keys: a page of keys and values in the cache for a tile of queries, which are taken
// in groups whose sums stay in registers.
#if defined(CONTINUO_SIMD_ATTENTION_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_ATTENTION_INL_H
#undef CONTINUO_SIMD_ATTENTION_INL_H
#else
#define CONTINUO_SIMD_ATTENTION_INL_H
#endif

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "kernels/kernel_table.h"
#include "kernels/simd/common-inl.h"
#include "kernels/simd/kv_page-inl.h"
#include "kernels/simd/query_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// Queries of a group, and vectors of keys or values that they meet together: their sums, those vectors and one more
// fill the register file.
inline constexpr std::size_t kGroupQueries = HWY_MAX_BYTES >= 64 ? 12 : 6;
inline constexpr std::size_t kFewQueries = 4;
// Fewer queries meet more vectors, so that enough sums are under way to hide the latency of a multiply-add.
template <std::size_t kQueries>
inline constexpr std::size_t kVectors = kQueries > kFewQueries ? 2
                                        : HWY_MAX_BYTES >= 64  ? 4
                                        : kQueries > 2         ? 2
                                                               : 4;

// Called as often as kBytes are read, with what is to be read next: the processor's own fetching ahead ends at every 4
// KiB.
template <std::size_t kBytes>
HWY_INLINE void FetchAhead(const std::byte* ahead) {
  CONTINUO_UNROLL
  for (std::size_t i = 0; i < (kBytes + 63) / 64; ++i) __builtin_prefetch(ahead + i * 64, 0, 2);
}

// ---- groups of a tile's queries ----

// f(queries of the group, first query) for the groups of a tile.
template <class F>
HWY_INLINE void ForGroups(std::size_t n, F&& f) {
  std::size_t q = 0;
  for (; q + kGroupQueries <= n; q += kGroupQueries) f(std::integral_constant<std::size_t, kGroupQueries>(), q);
  for (; q + kFewQueries <= n; q += kFewQueries) f(std::integral_constant<std::size_t, kFewQueries>(), q);
  if (n - q == 3) f(std::integral_constant<std::size_t, 3>(), q);
  if (n - q == 2) f(std::integral_constant<std::size_t, 2>(), q);
  if (n - q == 1) f(std::integral_constant<std::size_t, 1>(), q);
}

// Elements i .. i + 3 of four queries, in columns of `stride` floats.
HWY_INLINE void TurnFour(const AttentionQuery* queries, std::size_t i, float* out, std::size_t stride) {
  const auto at = [&](std::size_t q) HWY_ATTR { return hn::LoadU(d4, queries[q].query + i); };
  const V4 q0 = at(0), q1 = at(1), q2 = at(2), q3 = at(3);
  const V4 even = hn::InterleaveLower(d4, q0, q2), odd = hn::InterleaveLower(d4, q1, q3);
  const V4 even_upper = hn::InterleaveUpper(d4, q0, q2), odd_upper = hn::InterleaveUpper(d4, q1, q3);
  hn::StoreU(hn::InterleaveLower(d4, even, odd), d4, out);
  hn::StoreU(hn::InterleaveUpper(d4, even, odd), d4, out + stride);
  hn::StoreU(hn::InterleaveLower(d4, even_upper, odd_upper), d4, out + 2 * stride);
  hn::StoreU(hn::InterleaveUpper(d4, even_upper, odd_upper), d4, out + 3 * stride);
}

inline void PackQueries(QueryTile& tile, std::size_t head_dim) {
  ForGroups(tile.n, [&](auto queries, std::size_t q0) {
    float* const packed = tile.packed + q0 * head_dim;
    const std::size_t in_fours = queries / 4 * 4, whole = head_dim / 4 * 4;
    for (std::size_t q = 0; q < in_fours; q += 4) {
      for (std::size_t i = 0; i < whole; i += 4) TurnFour(&tile.queries[q0 + q], i, packed + i * queries + q, queries);
    }
    for (std::size_t q = 0; q < queries; ++q) {
      const float* const query = tile.queries[q0 + q].query;
      for (std::size_t i = q < in_fours ? whole : 0; i < head_dim; ++i) packed[i * queries + q] = query[i];
    }
  });
}

// ---- scores ----

// scores[q][j] = scale * q.k_j for kCount vectors of keys, from vector `first` of the page on; each sum runs over the
// elements in order.
template <Format kType, std::size_t kQueries, std::size_t kCount>
HWY_INLINE void Scores(const KvPart<kType>& part, const float* packed, std::size_t first, float scale, float* scores) {
  using Elements = KvElements<kType>;
  constexpr std::size_t kScales = Elements::kScaled ? kKeyBlock * kScaleBytes : 0;
  const KvLayout layout{kType, part.head_dim};
  V sums[kQueries][kCount];
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) sums[q][c] = hn::Zero(d);
  }
  // A vector's keys, beginning at their scales.
  const std::byte* keys[kCount];
  CONTINUO_UNROLL
  for (std::size_t c = 0; c < kCount; ++c) keys[c] = part.keys + (first + c) / kGroup * layout.key_block_bytes();
  const std::size_t lane = first % kGroup * kLanes;
  const auto lane_of = [&](std::size_t c) { return kCount % kGroup == 0 ? c % kGroup * kLanes : lane + c * kLanes; };
  [[maybe_unused]] const std::byte* ahead = part.values + first * kLanes * part.head_dim * Elements::kBytes;
  for (std::size_t start = 0; start < part.head_dim; start += kScaleBlock) {
    const std::size_t n = std::min(kScaleBlock, part.head_dim - start);
    [[maybe_unused]] V scales[kCount];
    if constexpr (Elements::kScaled) {
      CONTINUO_UNROLL
      for (std::size_t c = 0; c < kCount; ++c) scales[c] = KvElements<Format::f16>::Load(keys[c], lane_of(c));
    }
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (kQueries <= kFewQueries) {
        FetchAhead<kCount * kLanes * Elements::kBytes>(ahead);
        ahead += kCount * kLanes * Elements::kBytes;
      }
      V k[kCount];
      CONTINUO_UNROLL
      for (std::size_t c = 0; c < kCount; ++c) {
        k[c] = Elements::Load(keys[c] + kScales, i * kKeyBlock + lane_of(c));
        if constexpr (Elements::kScaled) k[c] = hn::Mul(k[c], scales[c]);
        KeepInRegister(k[c]);
      }
      CONTINUO_UNROLL
      for (std::size_t q = 0; q < kQueries; ++q) {
        const V x = hn::Set(d, packed[q]);
        CONTINUO_UNROLL
        for (std::size_t c = 0; c < kCount; ++c) sums[q][c] = hn::MulAdd(x, k[c], sums[q][c]);
      }
      packed += kQueries;
    }
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) keys[c] += kScales + n * kKeyBlock * Elements::kBytes;
  }
  const V factor = hn::Set(d, scale);
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) {
      hn::StoreU(hn::Mul(sums[q][c], factor), d, scores + q * kPageKeys + (first + c) * kLanes);
    }
  }
}

// The same for kCount vectors, or as few of them as the keys before `last` take: whole key blocks.
template <Format kType, std::size_t kQueries, std::size_t kCount>
HWY_INLINE void SomeScores(const KvPart<kType>& part, const float* packed, std::size_t first, std::size_t last,
                           float scale, float* scores) {
  if constexpr (kQueries <= kFewQueries && kCount > kGroup) {
    if ((first + kCount / 2) * kLanes >= last) {
      return SomeScores<kType, kQueries, kCount / 2>(part, packed, first, last, scale, scores);
    }
  }
  Scores<kType, kQueries, kCount>(part, packed, first, scale, scores);
}

// The scores of a group's queries for the keys first <= j < last of a page; a few more on either side may be computed.
template <Format kType, std::size_t kQueries>
HWY_NOINLINE void ScoreGroup(const KvPart<kType>& part, const float* packed, std::size_t first, std::size_t last,
                             float scale, float* scores) {
  constexpr std::size_t kKeys = kVectors<kQueries> * kLanes;
  for (std::size_t key = first / kKeys * kKeys; key < last; key += kKeys) {
    SomeScores<kType, kQueries, kVectors<kQueries>>(part, packed, key / kLanes, last, scale, scores);
  }
}

// ---- weighted sums of values ----

// sum[q] += weight_j * value_j for the keys first <= j < last, in order of j, for kCount vectors from element `column`
// on.
template <Format kType, std::size_t kQueries, std::size_t kCount>
HWY_INLINE void AddValues(const KvPart<kType>& part, const float* weights, std::size_t first, std::size_t last,
                          std::size_t column, float* sum, std::size_t sum_floats) {
  using Elements = KvElements<kType>;
  const std::size_t row = round_up(part.head_dim, kValuePad);
  V sums[kQueries][kCount];
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) sums[q][c] = hn::LoadU(d, sum + q * sum_floats + column + c * kLanes);
  }
  // While values pass, the next keys come, which take as many bytes each.
  [[maybe_unused]] const std::byte* ahead = part.next_keys + column * Elements::kBytes;
  [[maybe_unused]] const std::size_t at_once = (part.next_count + last - first - 1) / (last - first);
  for (std::size_t j = first; j < last; ++j) {
    if constexpr (kQueries <= kFewQueries) {
      for (std::size_t i = 0; i < at_once; ++i, ahead += row * Elements::kBytes)
        FetchAhead<kCount * kLanes * Elements::kBytes>(ahead);
    }
    V v[kCount];
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) {
      v[c] = Elements::Load(part.values, j * row + column + c * kLanes);
      if constexpr (Elements::kScaled) {
        v[c] = hn::Mul(v[c], hn::Set(d, part.scales[(column + c * kLanes) / kScaleBlock * kPageKeys + j]));
      }
      KeepInRegister(v[c]);
    }
    CONTINUO_UNROLL
    for (std::size_t q = 0; q < kQueries; ++q) {
      const V p = hn::Set(d, weights[q * kPageKeys + j]);
      CONTINUO_UNROLL
      for (std::size_t c = 0; c < kCount; ++c) sums[q][c] = hn::MulAdd(p, v[c], sums[q][c]);
    }
  }
  CONTINUO_UNROLL
  for (std::size_t q = 0; q < kQueries; ++q) {
    CONTINUO_UNROLL
    for (std::size_t c = 0; c < kCount; ++c) hn::StoreU(sums[q][c], d, sum + q * sum_floats + column + c * kLanes);
  }
}

template <Format kType, std::size_t kQueries>
HWY_NOINLINE void AddValueRows(const KvPart<kType>& part, const float* weights, std::size_t first, std::size_t last,
                               float* sum, std::size_t sum_floats) {
  if (first >= last) return;
  constexpr std::size_t kCount = kVectors<kQueries>;
  const std::size_t padded = round_up(part.head_dim, kValuePad);
  std::size_t i = 0;
  for (; i + kCount * kLanes <= padded; i += kCount * kLanes) {
    AddValues<kType, kQueries, kCount>(part, weights, first, last, i, sum, sum_floats);
  }
  for (; i < padded; i += kLanes) AddValues<kType, kQueries, 1>(part, weights, first, last, i, sum, sum_floats);
}

// The same for kQueries of the tile's queries, from q on.
template <Format kType, std::size_t kQueries>
HWY_INLINE void AddValuesFor(const KvPart<kType>& part, const QueryTile& tile, std::size_t q, std::size_t first,
                             std::size_t last) {
  AddValueRows<kType, kQueries>(part, tile.scores + q * kPageKeys, first, last, tile.sums + q * tile.sum_floats,
                                tile.sum_floats);
}

// Adds a page's values for a group: those that all of it see for all at once, in every query's order of keys.
template <Format kType, std::size_t kQueries>
HWY_INLINE void AddPage(const KvPart<kType>& part, const QueryTile& tile, std::size_t q0) {
  // Neither end ever decreases from query to query.
  const std::size_t shared_from = tile.from[q0 + kQueries - 1], shared_to = std::max(shared_from, tile.to[q0]);
  for (std::size_t q = q0; q < q0 + kQueries; ++q)
    AddValuesFor<kType, 1>(part, tile, q, tile.from[q], std::min(shared_from, tile.to[q]));
  AddValuesFor<kType, kQueries>(part, tile, q0, shared_from, shared_to);
  // The heads of one row see the same keys.
  for (std::size_t q = q0; q < q0 + kQueries;) {
    const std::size_t left = q0 + kQueries - q, to = tile.to[q];
    if (left >= 3 && tile.to[q + 2] == to) {
      AddValuesFor<kType, 3>(part, tile, q, shared_to, to);
      q += 3;
    } else if (left >= 2 && tile.to[q + 1] == to) {
      AddValuesFor<kType, 2>(part, tile, q, shared_to, to);
      q += 2;
    } else {
      AddValuesFor<kType, 1>(part, tile, q, shared_to, to);
      ++q;
    }
  }
}

// ---- pages ----

// Scores, weights and sums of the tile for a page.
template <Format kType>
HWY_INLINE void AttendPart(const AttentionArgs& args, QueryTile& tile, const KvPart<kType>& part, std::size_t start) {
  ForGroups(tile.n, [&](auto queries, std::size_t q0) {
    constexpr std::size_t kQueries = queries;
    const std::size_t last = tile.to[q0 + kQueries - 1];
    ScoreGroup<kType, kQueries>(part, tile.packed + q0 * args.head_dim, std::min(tile.from[q0], last), last, args.scale,
                                tile.scores + q0 * kPageKeys);
  });
  Weigh(args, tile, start);
  ForGroups(tile.n, [&](auto queries, std::size_t q0) {
    constexpr std::size_t kQueries = queries;
    AddPage<kType, kQueries>(part, tile, q0);
  });
}

// The page that begins at key `start`; its keys first <= j < last are those that any query of the tile sees.
template <Format kType>
HWY_INLINE void AttendPage(const AttentionArgs& args, QueryTile& tile, std::size_t start, std::size_t first,
                           std::size_t last) {
  const KvLayout layout{kType, args.head_dim};
  const std::byte* const at = args.pages[start / kPageKeys] + args.head_offset;
  // Beyond the last page nothing is fetched that is not there anyway.
  const bool more = start + kPageKeys < tile.queries[tile.n - 1].visible;
  const std::byte* const next = more        ? args.pages[start / kPageKeys + 1] + args.head_offset
                                : args.next ? args.next
                                            : at;
  const std::size_t next_count = more        ? tile.queries[tile.n - 1].visible - start - kPageKeys
                                 : args.next ? kPageKeys
                                             : 0;
  const KvPart<kType> part{at,   at + layout.value_rows_at(),    tile.scales, args.head_dim,
                           next, std::min(next_count, kPageKeys)};
  if constexpr (KvElements<kType>::kScaled) {
    for (std::size_t i = 0; i < layout.scale_blocks() * kPageKeys; i += kLanes) {
      hn::StoreU(KvElements<Format::f16>::Load(at + layout.value_scales_at(), i), d, tile.scales + i);
    }
  }
  if (tile.n > kFewQueries && more) {
    for (std::size_t i = 0; i < layout.bytes(); i += 64) __builtin_prefetch(next + i, 0, 2);
  }
  if constexpr (kType == Format::f32) {
    AttendPart(args, tile, part, start);
  } else if (tile.n <= kFewQueries) {
    AttendPart(args, tile, part, start);
  } else {
    AttendPart(args, tile, UnpackPart(part, first, last, tile.page), start);
  }
}

// ---- spans ----

// Sums of the tile's queries over a span.
template <Format kType>
HWY_NOINLINE void AttendSpan(const AttentionArgs& args, QueryTile& tile, std::size_t span) {
  std::fill_n(tile.sums, tile.n * tile.sum_floats, 0.0f);
  std::fill_n(tile.largest, kQueryTile, -std::numeric_limits<float>::infinity());
  std::fill_n(tile.block, kQueryTile, -std::numeric_limits<float>::infinity());
  std::fill_n(tile.total, kQueryTile, 0.0f);
  // `first` and `visible` never decrease: the first query sees the earliest key, the last one the latest.
  const std::size_t begin = std::max(tile.queries[0].first, span * kSpanKeys);
  const std::size_t end = std::min(tile.queries[tile.n - 1].visible, (span + 1) * kSpanKeys);
  for (std::size_t start = begin / kPageKeys * kPageKeys; start < end; start += kPageKeys) {
    for (std::size_t q = 0; q < tile.n; ++q) {
      const AttentionQuery& query = tile.queries[q];
      tile.to[q] = query.visible > start ? std::min(kPageKeys, query.visible - start) : 0;
      tile.from[q] = std::min(query.first > start ? query.first - start : 0, tile.to[q]);
    }
    AttendPage<kType>(args, tile, start, begin > start ? begin - start : 0, std::min(kPageKeys, end - start));
  }
  for (std::size_t q = 0; q < tile.n; ++q) {
    float* const behind_values = tile.sums + (q + 1) * tile.sum_floats - kValuePad;
    behind_values[0] = tile.largest[q];
    behind_values[1] = tile.total[q];
  }
}

// into = into and the sum of a later span.
HWY_INLINE void MergeSum(float* into, const float* next, std::size_t padded) {
  if (next[padded + 1] == 0) return;  // saw no key of its span
  if (into[padded + 1] == 0) {
    std::copy_n(next, padded + kValuePad, into);
    return;
  }
  const V next_largest = hn::Set(d, next[padded]), largest = hn::Max(hn::Set(d, into[padded]), next_largest);
  const V old = Exp(hn::Sub(hn::Set(d, into[padded]), largest)), added = Exp(hn::Sub(next_largest, largest));
  for (std::size_t i = 0; i < padded; i += kLanes) {
    hn::StoreU(hn::MulAdd(hn::LoadU(d, into + i), old, hn::Mul(hn::LoadU(d, next + i), added)), d, into + i);
  }
  into[padded] = hn::GetLane(largest);
  into[padded + 1] =
      hn::GetLane(hn::MulAdd(hn::Set(d, into[padded + 1]), old, hn::Mul(hn::Set(d, next[padded + 1]), added)));
}

inline void Finish(const float* sum, std::size_t head_dim, float* out) {
  const float inverse = 1.0f / sum[round_up(head_dim, kValuePad) + 1];
  std::size_t i = 0;
  for (; i + kLanes <= head_dim; i += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, sum + i), hn::Set(d, inverse)), d, out + i);
  }
  for (; i < head_dim; ++i) out[i] = sum[i] * inverse;
}

// f(tile, its first query) for tiles of all queries.
template <class F>
HWY_INLINE void ForTiles(const AttentionArgs& args, F&& f) {
  for (std::size_t q = 0; q < args.queries.size(); q += kQueryTile) {
    QueryTile tile = MakeTile(args, args.queries.data() + q, std::min(kQueryTile, args.queries.size() - q));
    PackQueries(tile, args.head_dim);
    f(tile, q);
  }
}

template <Format kType>
void Attention(const AttentionArgs& args) {
  const std::size_t padded = round_up(args.head_dim, kValuePad);
  ForTiles(args, [&](QueryTile& tile, std::size_t) {
    const std::size_t visible = tile.queries[tile.n - 1].visible, first = tile.queries[0].first / kSpanKeys;
    AttendSpan<kType>(args, tile, first);
    std::swap(tile.sums, tile.all);
    for (std::size_t span = first + 1; span * kSpanKeys < visible; ++span) {
      AttendSpan<kType>(args, tile, span);
      for (std::size_t q = 0; q < tile.n; ++q) {
        MergeSum(tile.all + q * tile.sum_floats, tile.sums + q * tile.sum_floats, padded);
      }
    }
    for (std::size_t q = 0; q < tile.n; ++q) Finish(tile.all + q * tile.sum_floats, args.head_dim, tile.queries[q].out);
  });
}

template <Format kType>
void AttentionSpan(const AttentionArgs& args, std::size_t span, float* sums) {
  ForTiles(args, [&](QueryTile& tile, std::size_t first) {
    tile.sums = sums + first * tile.sum_floats;
    AttendSpan<kType>(args, tile, span);
  });
}

inline void MergeAttention(float* sums, std::size_t n, std::size_t stride, std::size_t head_dim, float* out) {
  for (std::size_t i = 1; i < n; ++i) MergeSum(sums, sums + i * stride, round_up(head_dim, kValuePad));
  Finish(sums, head_dim, out);
}

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
