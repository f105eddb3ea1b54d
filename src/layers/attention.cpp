#include "layers/attention.h"

#include <algorithm>

#include "base/check.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

namespace {

constexpr std::size_t kRowsPerTask = 16;

// Where the vectors of heads stand in rows: groups of heads side by side, a stride from group to group.
struct HeadRows {
  Rows rows;
  std::size_t n_heads, head_dim, per_group, group_stride;

  float* at(std::size_t row, std::size_t head) const {
    return rows[row] + head / per_group * group_stride + head % per_group * head_dim;
  }
};

struct Heads {
  HeadRows q, k, v, out;  // out: the heads' results side by side
};

// One layer's attention of one step.
struct Layer {
  Step& step;
  const AttentionSpec& spec;
  const AttentionWeights& weights;
  std::size_t index;
  const Heads& heads;
  const RopeTable* rope;
  const AlibiTable* alibi;
};

KvCache& cache_of(const Layer& layer, std::size_t segment) {
  return std::get<KvCache>(layer.step.segments[segment].state->layer(layer.index));
}

// The table of the step that was made for `spec`.
template <class Table, class Spec>
const Table* table_of(const std::vector<Table>& tables, const std::optional<Spec>& spec) {
  if (!spec) return nullptr;
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const Table& table) { return table.spec() == *spec; });
  CONTINUO_CHECK(found != tables.end(), "no table of positions for this layer");
  return &*found;
}

void clip(const HeadRows& heads, std::size_t row, float limit) {
  for (std::size_t h = 0; h < heads.n_heads; ++h) {
    float* const x = heads.at(row, h);
    for (std::size_t i = 0; i < heads.head_dim; ++i)
      x[i] = std::clamp(x[i], -limit, limit);
  }
}

void normalize_heads(const Layer& layer, const HeadRows& heads, std::size_t row, const NormWeights& weights) {
  const QkNormSpec& spec = *layer.spec.qk_norm;
  const KernelTable& kernels = layer.step.kernels;
  if (spec.span == QkNormSpec::Span::all_heads) {
    float* const all = heads.at(row, 0);
    normalize_row(kernels, spec.norm, weights, 0, {all, heads.n_heads * heads.head_dim}, all);
    return;
  }
  for (std::size_t h = 0; h < heads.n_heads; ++h) {
    float* const one = heads.at(row, h);
    const std::size_t offset = spec.span == QkNormSpec::Span::own_head ? h * heads.head_dim : 0;
    normalize_row(kernels, spec.norm, weights, offset, {one, heads.head_dim}, one);
  }
}

void turn_heads(const Layer& layer, const HeadRows& heads, std::size_t row) {
  const RopeTable& rope = *layer.rope;
  const KernelTable::Rope turn =
      rope.spec().interleaved ? layer.step.kernels.rope_interleaved : layer.step.kernels.rope;
  for (std::size_t h = 0; h < heads.n_heads; ++h) {
    turn(heads.at(row, h), rope.cos(row), rope.sin(row), rope.spec().rotary_dim / 2);
  }
}

// Makes of what the matrices gave the queries, keys and values of one row, and remembers keys and values.
void place_and_remember(const Layer& layer, std::size_t row) {
  const AttentionSpec& spec = layer.spec;
  const Heads& heads = layer.heads;
  if (spec.qkv_clip > 0) {
    for (const HeadRows* part : {&heads.q, &heads.k, &heads.v})
      clip(*part, row, spec.qkv_clip);
  }
  if (spec.qk_norm) {
    normalize_heads(layer, heads.q, row, layer.weights.q_norm);
    normalize_heads(layer, heads.k, row, layer.weights.k_norm);
  }
  if (layer.rope) {
    turn_heads(layer, heads.q, row);
    turn_heads(layer, heads.k, row);
  }
  const RowPlace place = layer.step.places[row];
  KvCache& cache = cache_of(layer, place.segment);
  for (std::size_t h = 0; h < heads.k.n_heads; ++h) {
    cache.write(h, place.position, heads.k.at(row, h), heads.v.at(row, h));
  }
}

void place_and_remember(const Layer& layer) {
  Step& step = layer.step;
  const std::size_t tasks = (step.rows() + kRowsPerTask - 1) / kRowsPerTask;
  const std::size_t width = (layer.heads.q.n_heads + layer.heads.k.n_heads) * layer.heads.q.head_dim;
  share(step, tasks, step.rows() * width, [&](std::size_t task, int) {
    const std::size_t last = std::min(step.rows(), (task + 1) * kRowsPerTask);
    for (std::size_t row = task * kRowsPerTask; row < last; ++row)
      place_and_remember(layer, row);
  });
}

// A piece of work: some rows of one segment for one head of keys and the query heads that share it.
struct Piece {
  std::size_t segment, first_row, n_rows, kv_head;
};

void run_piece(const Layer& layer, const Piece& piece, int worker) {
  const AttentionSpec& spec = layer.spec;
  const Heads& heads = layer.heads;
  const std::size_t group = heads.q.n_heads / heads.k.n_heads, head_dim = heads.q.head_dim,
                    window = spec.window;
  const KvCache& cache = cache_of(layer, piece.segment);
  AttentionArgs args{.queries = {},
                     .pages = cache.pages(),
                     .head_offset = cache.head_offset(piece.kv_head),
                     .head_dim = head_dim,
                     .scale = spec.scale,
                     .score_cap = spec.score_cap,
                     .scratch = layer.step.scratch.get(worker, attention_scratch(head_dim))};
  // Queries by position, so that what they see never decreases; as many at a time as this array holds.
  AttentionQuery queries[64];
  std::size_t n = 0;
  const auto flush = [&] {
    args.queries = {queries, n};
    layer.step.kernels.attention(args);
    n = 0;
  };
  for (std::size_t row = piece.first_row; row < piece.first_row + piece.n_rows; ++row) {
    const std::size_t visible = layer.step.places[row].position + 1;
    const std::size_t first = window > 0 && visible > window ? visible - window : 0;
    for (std::size_t h = piece.kv_head * group; h < (piece.kv_head + 1) * group; ++h) {
      queries[n++] = {.query = heads.q.at(row, h),
                      .out = heads.out.at(row, h),
                      .bias = layer.alibi ? layer.alibi->bias(h) : nullptr,
                      .first = first,
                      .visible = visible};
      if (n == std::size(queries)) flush();
    }
  }
  if (n > 0) flush();
}

void look_back(const Layer& layer) {
  Step& step = layer.step;
  const HeadRows& q = layer.heads.q;
  const std::size_t n_kv_heads = layer.heads.k.n_heads;
  std::size_t pieces = 0, work = 0;
  const auto tasks_of = [&](const Segment& s) {
    return (s.tokens.size() + kRowsPerTask - 1) / kRowsPerTask * n_kv_heads;
  };
  for (const Segment& s : step.segments) {
    std::size_t seen = s.state->length() + s.tokens.size();
    if (layer.spec.window > 0) seen = std::min<std::size_t>(seen, layer.spec.window);
    pieces += tasks_of(s);
    work += s.tokens.size() * seen * q.n_heads * q.head_dim;
  }
  share(step, pieces, work, [&](std::size_t i, int worker) {
    std::size_t segment = 0;
    while (i >= tasks_of(step.segments[segment]))
      i -= tasks_of(step.segments[segment++]);
    const std::size_t first = i / n_kv_heads * kRowsPerTask;
    const std::size_t n = std::min(kRowsPerTask, step.segments[segment].tokens.size() - first);
    run_piece(layer, {segment, step.first_rows[segment] + first, n, i % n_kv_heads}, worker);
  });
}

HeadRows side_by_side(Rows rows, std::size_t n_heads, std::size_t head_dim) {
  return {rows, n_heads, head_dim, n_heads, 0};
}

// The matrices' outputs, seen as heads.
Heads project(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory,
              Rows x) {
  const std::size_t rows = step.rows(), n_heads = spec.n_heads, n_kv_heads = spec.n_kv_heads,
                    head_dim = spec.head_dim;
  const HeadRows out = side_by_side(memory.heads.rows(rows, n_heads * head_dim), n_heads, head_dim);
  if (spec.grouped_qkv) {
    const std::size_t group = n_heads / n_kv_heads, stride = (group + 2) * head_dim;
    const Rows all = memory.qkv.rows(rows, n_kv_heads * stride);
    linear(step, {{&weights.qkv, all}}, x, rows);
    return {.q = {all, n_heads, head_dim, group, stride},
            .k = {all.from(group * head_dim), n_kv_heads, head_dim, 1, stride},
            .v = {all.from((group + 1) * head_dim), n_kv_heads, head_dim, 1, stride},
            .out = out};
  }
  const Rows q = memory.q.rows(rows, n_heads * head_dim);
  const Rows k = memory.k.rows(rows, n_kv_heads * head_dim);
  const Rows v = memory.v.rows(rows, n_kv_heads * head_dim);
  linear(step, {{&weights.q, q}, {&weights.k, k}, {&weights.v, v}}, x, rows);
  return {.q = side_by_side(q, n_heads, head_dim),
          .k = side_by_side(k, n_kv_heads, head_dim),
          .v = side_by_side(v, n_kv_heads, head_dim),
          .out = out};
}

}  // namespace

void Attention::operator()(Step& step, const AttentionSpec& spec, const AttentionWeights& weights,
                           std::size_t layer, Rows x, Rows out) {
  CONTINUO_CHECK(!spec.qk_norm || spec.qk_norm->span != QkNormSpec::Span::all_heads || !spec.grouped_qkv,
                 "a norm of all heads at once wants them side by side");
  CONTINUO_CHECK(!spec.alibi || spec.alibi->slopes.size() == static_cast<std::size_t>(spec.n_heads),
                 "a slope for every head");
  const Heads heads = project(step, spec, weights, memory_, x);
  const Layer all{
      step, spec, weights, layer, heads, table_of(step.ropes, spec.rope), table_of(step.alibis, spec.alibi)};
  place_and_remember(all);
  look_back(all);
  linear(step, {{&weights.out, out}}, heads.out.rows, step.rows());
}

}  // namespace continuo
