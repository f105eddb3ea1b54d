#include "layers/attention.h"

#include <algorithm>
#include <type_traits>

#include "base/check.h"
#include "layers/linear.h"
#include "layers/probe.h"

namespace continuo {

namespace {

constexpr std::size_t kRowsPerTask = 16;

KvCache& cache_of(const Step& step, std::size_t segment, std::size_t layer) {
  return std::get<KvCache>(step.segments[segment].state->layer(layer));
}

const RopeTable* rope_of(const Step& step, const AttentionSpec& spec) {
  if (!spec.rope) return nullptr;
  const auto found = std::find_if(step.ropes.begin(), step.ropes.end(),
                                  [&](const RopeTable& table) { return table.spec() == *spec.rope; });
  CONTINUO_CHECK(found != step.ropes.end(), "no rope table for this layer");
  return &*found;
}

void turn_heads(const Step& step, const RopeTable& rope, std::size_t row, float* heads, int n, int head_dim) {
  for (int h = 0; h < n; ++h) {
    step.kernels.rope(heads + h * head_dim, rope.cos(row), rope.sin(row), rope.spec().rotary_dim / 2);
  }
}

// Turns queries and keys by their positions and remembers keys and values.
void place_and_remember(Step& step, const AttentionSpec& spec, std::size_t layer, const AttentionBuffers& b) {
  const RopeTable* rope = rope_of(step, spec);
  const std::size_t tasks = (step.rows() + kRowsPerTask - 1) / kRowsPerTask;
  share(step, tasks, step.rows() * (spec.n_heads + spec.n_kv_heads) * spec.head_dim, [&](std::size_t task, int) {
    const std::size_t last = std::min(step.rows(), (task + 1) * kRowsPerTask);
    for (std::size_t row = task * kRowsPerTask; row < last; ++row) {
      if (rope) {
        turn_heads(step, *rope, row, b.q[row], spec.n_heads, spec.head_dim);
        turn_heads(step, *rope, row, b.k[row], spec.n_kv_heads, spec.head_dim);
      }
      const RowPlace place = step.places[row];
      KvCache& cache = cache_of(step, place.segment, layer);
      for (int h = 0; h < spec.n_kv_heads; ++h) {
        cache.write(h, place.position, b.k[row] + h * spec.head_dim, b.v[row] + h * spec.head_dim);
      }
    }
  });
}

// A piece of work: some rows of one segment for one head of keys and the query heads that share it.
struct Piece {
  std::size_t segment, first_row, n_rows;
  int kv_head;
};

void run_piece(const Step& step, const AttentionSpec& spec, std::size_t layer, const AttentionBuffers& b,
               const Piece& piece, int worker) {
  const int group = spec.n_heads / spec.n_kv_heads;
  const KvCache& cache = cache_of(step, piece.segment, layer);
  const AttentionArgs args{.queries = {},
                           .keys = cache.keys(piece.kv_head),
                           .values = cache.values(piece.kv_head),
                           .head_dim = static_cast<std::size_t>(spec.head_dim),
                           .scale = spec.scale,
                           .scratch = step.scratch.get(worker, attention_scratch(spec.head_dim))};
  // Queries by position, so that what they see never decreases; as many at a time as this array holds.
  AttentionQuery queries[64];
  std::size_t n = 0;
  const auto flush = [&] {
    AttentionArgs some = args;
    some.queries = {queries, n};
    step.kernels.attention(some);
    n = 0;
  };
  for (std::size_t row = piece.first_row; row < piece.first_row + piece.n_rows; ++row) {
    for (int h = piece.kv_head * group; h < (piece.kv_head + 1) * group; ++h) {
      queries[n++] = {b.q[row] + h * spec.head_dim, b.out[row] + h * spec.head_dim, step.places[row].position + 1};
      if (n == std::size(queries)) flush();
    }
  }
  if (n > 0) flush();
}

void look_back(Step& step, const AttentionSpec& spec, std::size_t layer, const AttentionBuffers& b) {
  std::size_t pieces = 0, work = 0;
  const auto tasks_of = [&](const Segment& s) {
    return (s.tokens.size() + kRowsPerTask - 1) / kRowsPerTask * spec.n_kv_heads;
  };
  for (const Segment& s : step.segments) {
    pieces += tasks_of(s);
    work += s.tokens.size() * (s.state->length() + s.tokens.size()) * spec.n_heads * spec.head_dim;
  }
  share(step, pieces, work, [&](std::size_t i, int worker) {
    std::size_t segment = 0;
    while (i >= tasks_of(step.segments[segment])) i -= tasks_of(step.segments[segment++]);
    const std::size_t first = i / spec.n_kv_heads * kRowsPerTask;
    const std::size_t n = std::min(kRowsPerTask, step.segments[segment].tokens.size() - first);
    run_piece(step, spec, layer, b,
              {segment, step.first_rows[segment] + first, n, static_cast<int>(i % spec.n_kv_heads)}, worker);
  });
}

}  // namespace

template <class Ear>
void attend(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x,
            const AttentionBuffers& buffers, Rows product, Rows residual, Ear& ear) {
  linear(step, {{&weights.q, buffers.q}, {&weights.k, buffers.k}, {&weights.v, buffers.v}}, x, step.rows());
  place_and_remember(step, spec, layer, buffers);
  ear.projected(layer);
  look_back(step, spec, layer, buffers);
  if constexpr (!std::is_same_v<Ear, NoListener>) {
    const std::size_t width = std::size_t(spec.n_heads) * spec.head_dim;
    ear.looked_back(layer, {spec, cache_of(step, 0, layer), {buffers.q.data, buffers.q.stride, step.rows(), width},
                            {buffers.out.data, buffers.out.stride, step.rows(), width}, step.places[0].position});
  }
  linear_add(step, weights.out, buffers.out, step.rows(), product, residual);
}

template void attend(Step&, const AttentionSpec&, const AttentionWeights&, std::size_t, Rows, const AttentionBuffers&, Rows,
                     Rows, NoListener&);
template void attend(Step&, const AttentionSpec&, const AttentionWeights&, std::size_t, Rows, const AttentionBuffers&, Rows,
                     Rows, Listener&);

}  // namespace continuo
