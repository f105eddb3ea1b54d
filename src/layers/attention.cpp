#include "layers/attention.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/check.h"
#include "kernels/exp_values.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/probe.h"

namespace continuo {

namespace {

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
  HeadRows gates = {};    // where the spec has an output gate: head_dim values for each head, or one
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
  return layer.step.segments[segment].state->kv(layer.index);
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

// Heads [first, last) of a row.
struct HeadRange {
  const HeadRows& heads;
  std::size_t row, first, last;
  float* at(std::size_t head) const { return heads.at(row, head); }
};

void clip(const HeadRange& range, float limit) {
  for (std::size_t h = range.first; h < range.last; ++h) {
    float* const x = range.at(h);
    for (std::size_t i = 0; i < range.heads.head_dim; ++i) x[i] = std::clamp(x[i], -limit, limit);
  }
}

bool normalizes_all_heads(const AttentionSpec& spec) {
  return spec.qk_norm && spec.qk_norm->span == QkNormSpec::Span::all_heads;
}

void normalize_all_heads(const Layer& layer, const HeadRows& heads, std::size_t row, const NormWeights& weights) {
  float* const all = heads.at(row, 0);
  normalize_row(layer.step.kernels, layer.spec.qk_norm->norm, weights, 0, {all, heads.n_heads * heads.head_dim}, all);
}

void normalize_heads(const Layer& layer, const HeadRange& range, const NormWeights& weights) {
  const QkNormSpec& spec = *layer.spec.qk_norm;
  const std::size_t head_dim = range.heads.head_dim;
  for (std::size_t h = range.first; h < range.last; ++h) {
    float* const one = range.at(h);
    const std::size_t offset = spec.span == QkNormSpec::Span::own_head ? h * head_dim : 0;
    normalize_row(layer.step.kernels, spec.norm, weights, offset, {one, head_dim}, one);
  }
}

void rotate_heads(const Layer& layer, const HeadRange& range) {
  const RopeTable& rope = *layer.rope;
  const KernelTable::Rope turn =
      rope.spec().interleaved ? layer.step.kernels.rope_interleaved : layer.step.kernels.rope;
  for (std::size_t h = range.first; h < range.last; ++h) {
    turn(range.at(h), rope.cos(range.row), rope.sin(range.row), rope.spec().rotary_dim / 2);
  }
}

void normalize_values(const Layer& layer, const HeadRange& range) {
  for (std::size_t h = range.first; h < range.last; ++h) {
    float* const one = range.at(h);
    normalize_row(layer.step.kernels, *layer.spec.v_norm, layer.weights.v_norm, 0, {one, range.heads.head_dim}, one);
  }
}

// Queries of later positions are longer (AttentionSpec::query_scale_beta).
void scale_queries(const Layer& layer, const HeadRange& range) {
  const auto position = static_cast<double>(layer.step.places[range.row].position);
  const double steps = std::floor(position / layer.spec.query_scale_length);
  const auto factor = static_cast<float>(1 + layer.spec.query_scale_beta * std::log(1 + steps));
  for (std::size_t h = range.first; h < range.last; ++h) {
    float* const one = range.at(h);
    for (std::size_t i = 0; i < range.heads.head_dim; ++i) one[i] *= factor;
  }
}

void multiply_heads(const HeadRange& range, const std::vector<float>& factors) {
  const std::size_t head_dim = range.heads.head_dim;
  for (std::size_t h = range.first; h < range.last; ++h) {
    float* const one = range.at(h);
    for (std::size_t i = 0; i < head_dim; ++i) one[i] *= factors[h * head_dim + i];
  }
}

// Norms and positions of queries or keys, in the spec's order.
void normalize_and_rotate(const Layer& layer, const HeadRange& range, const NormWeights& norm) {
  const bool normalizes = layer.spec.qk_norm && !normalizes_all_heads(layer.spec);  // those place_row has normalized
  if (normalizes && !layer.spec.qk_norm_after_rope) normalize_heads(layer, range, norm);
  if (layer.rope) rotate_heads(layer, range);
  if (normalizes && layer.spec.qk_norm_after_rope) normalize_heads(layer, range, norm);
}

// Makes of what the matrices gave the key, the value and the queries of one row that belong to head
// `kv_head`, and remembers key and value.
void place_group(const Layer& layer, std::size_t row, std::size_t kv_head) {
  const AttentionSpec& spec = layer.spec;
  const Heads& heads = layer.heads;
  const std::size_t group = heads.q.n_heads / heads.k.n_heads;
  const HeadRange q{heads.q, row, kv_head * group, (kv_head + 1) * group}, k{heads.k, row, kv_head, kv_head + 1},
      v{heads.v, row, kv_head, kv_head + 1};
  if (spec.qkv_clip > 0 && !normalizes_all_heads(spec)) {  // else place_row has clipped them
    for (const HeadRange* part : {&q, &k, &v}) clip(*part, spec.qkv_clip);
  }
  normalize_and_rotate(layer, q, layer.weights.q_norm);
  if (spec.query_scale_beta > 0) scale_queries(layer, q);
  if (spec.query_scales) multiply_heads(q, layer.weights.query_scales);
  if (spec.kv_layer) return;
  normalize_and_rotate(layer, k, layer.weights.k_norm);
  if (spec.v_norm) normalize_values(layer, v);
  const RowPlace place = layer.step.places[row];
  cache_of(layer, place.segment).write(kv_head, place.position, k.at(kv_head), v.at(kv_head));
}

void place_row(const Layer& layer, std::size_t row) {
  const Heads& heads = layer.heads;
  if (normalizes_all_heads(layer.spec)) {
    if (layer.spec.qkv_clip > 0) {
      for (const HeadRows* part : {&heads.q, &heads.k, &heads.v})
        clip({*part, row, 0, part->n_heads}, layer.spec.qkv_clip);
    }
    normalize_all_heads(layer, heads.q, row, layer.weights.q_norm);
    normalize_all_heads(layer, heads.k, row, layer.weights.k_norm);
  }
  for (std::size_t h = 0; h < heads.k.n_heads; ++h) place_group(layer, row, h);
}

// The queries of a piece.
struct Group {
  const Layer& layer;
  const AttentionPiece& piece;
  std::size_t size() const { return layer.heads.q.n_heads / layer.heads.k.n_heads; }

  // Queries are counted by position, so that what they see never decreases.
  std::size_t queries() const { return piece.n_rows * size(); }
  AttentionQuery query(std::size_t i) const {
    const std::size_t row = piece.first_row + i / size(), head = piece.kv_head * size() + i % size();
    const VisibleKeys keys =
        visible_keys(layer.spec, layer.step.places[row].position, layer.step.segments[piece.segment].tokens.size());
    return {.query = layer.heads.q.at(row, head),
            .out = layer.heads.out.at(row, head),
            .bias = layer.alibi ? layer.alibi->bias(head) : nullptr,
            .first = keys.first,
            .visible = keys.end};
  }
};

// result *= sigmoid(gate) for a head of a row. The gate is overwritten.
void apply_gate(const Heads& heads, std::size_t row, std::size_t head) {
  const std::size_t n = heads.gates.head_dim, per_gate = heads.out.head_dim / n;
  float* const gates = heads.gates.at(row, head);
  float* const out = heads.out.at(row, head);
  for (std::size_t i = 0; i < n; ++i) gates[i] = -gates[i];
  exp_values(gates, n);
  for (std::size_t i = 0; i < n; ++i) {
    const float factor = 1.0f / (1.0f + gates[i]);
    for (std::size_t j = 0; j < per_gate; ++j) out[i * per_gate + j] *= factor;
  }
}

// What comes after the results of a piece: the output gate and rounding.
void finish_results(const Group& group) {
  const Layer& layer = group.layer;
  if (layer.spec.output_gate != AttentionSpec::OutputGate::none) {
    for (std::size_t i = 0; i < group.queries(); ++i) {
      const std::size_t row = group.piece.first_row + i / group.size();
      const std::size_t head = group.piece.kv_head * group.size() + i % group.size();
      if (layer.spec.gate_scales) multiply_heads({layer.heads.gates, row, head, head + 1}, layer.weights.gate_scales);
      apply_gate(layer.heads, row, head);
    }
  }
  const HeadRows& out = layer.heads.out;
  const std::size_t width = group.size() * out.head_dim, first = group.piece.kv_head * width;
  for (std::size_t row = group.piece.first_row; row < group.piece.first_row + group.piece.n_rows; ++row) {
    round_values(layer.step, out.rows.rounded, row, first, {out.rows[row] + first, width});
  }
}

// The part of a page that a piece reads first.
const std::byte* first_part(const Layer& layer, const AttentionPiece& piece) {
  const KvCache& cache = cache_of(layer, piece.segment);
  const std::size_t first = std::max(piece.span * kSpanKeys, Group{layer, piece}.query(0).first);
  return cache.pages()[first / kPageKeys] + cache.head_offset(piece.kv_head);
}

// A head's sink as the sum of a span of its own: a key with that score and a value of zeros.
void set_sink(float* sum, std::size_t head_dim, float score) {
  const std::size_t n = attention_sum_floats(head_dim);
  std::fill_n(sum, n, 0.0f);
  sum[n - kValuePad] = score;
  sum[n - kValuePad + 1] = 1;
}

std::size_t head_of(const Group& group, std::size_t query) {
  return group.piece.kv_head * group.size() + query % group.size();
}

// Queries [done, done + args.queries.size()) of a piece whose heads have sinks, span after span.
void attend_with_sinks(const Layer& layer, const Group& group, const AttentionArgs& args, std::size_t done,
                       int worker) {
  const std::size_t head_dim = layer.spec.head_dim, one = attention_sum_floats(head_dim), n = args.queries.size();
  const std::size_t first = args.queries.front().first / kSpanKeys;
  const std::size_t n_spans = (args.queries.back().visible - 1) / kSpanKeys + 1 - first;
  const auto type = static_cast<std::size_t>(cache_of(layer, group.piece.segment).kv_type());
  float* const sums = layer.step.scratch.results(worker, (n_spans + 1) * n * one);
  for (std::size_t span = 0; span < n_spans; ++span) {
    layer.step.kernels.attention_span[type](args, first + span, sums + span * n * one);
  }
  for (std::size_t i = 0; i < n; ++i) {
    set_sink(sums + (n_spans * n + i) * one, head_dim, layer.weights.sinks[head_of(group, done + i)]);
    layer.step.kernels.merge_attention(sums + i * one, n_spans + 1, n * one, head_dim, args.queries[i].out);
  }
}

// `next`: the piece that this worker is likely to be given next, or null.
void run_piece(const Layer& layer, const AttentionPiece& piece, const AttentionPiece* next, int worker) {
  const AttentionSpec& spec = layer.spec;
  if (piece.places) place_group(layer, piece.first_row, piece.kv_head);
  const std::size_t head_dim = spec.head_dim;
  const KvCache& cache = cache_of(layer, piece.segment);
  const auto type = static_cast<std::size_t>(cache.kv_type());
  const KernelTable& kernels = layer.step.kernels;
  const Group group{layer, piece};
  AttentionArgs args{.queries = {},
                     .pages = cache.pages(),
                     .head_offset = cache.head_offset(piece.kv_head),
                     .head_dim = head_dim,
                     .scale = spec.scale,
                     .attn_logit_softcap = spec.attn_logit_softcap,
                     .scratch = layer.step.scratch.get(worker, attention_scratch(head_dim)),
                     .next = next ? first_part(layer, *next) : nullptr};
  AttentionQuery queries[kQueryTile];
  for (std::size_t done = 0; done < group.queries(); done += args.queries.size()) {
    const std::size_t n = std::min(kQueryTile, group.queries() - done);
    for (std::size_t i = 0; i < n; ++i) queries[i] = group.query(done + i);
    args.queries = {queries, n};
    if (piece.sums) {
      kernels.attention_span[type](args, piece.span, piece.sums + done * attention_sum_floats(head_dim));
    } else if (spec.sinks) {
      attend_with_sinks(layer, group, args, done, worker);
    } else {
      kernels.attention[type](args);
    }
  }
  if (!piece.sums) finish_results(group);
}

void run_merge(const Layer& layer, const AttentionMerge& merge) {
  const std::size_t head_dim = layer.spec.head_dim, one = attention_sum_floats(head_dim);
  const Group group{layer, merge.first};
  for (std::size_t i = 0; i < group.queries(); ++i) {
    if (layer.spec.sinks) {
      set_sink(merge.first.sums + ((merge.n_spans - 1) * group.queries() + i) * one, head_dim,
               layer.weights.sinks[head_of(group, i)]);
    }
    layer.step.kernels.merge_attention(merge.first.sums + i * one, merge.n_spans, group.queries() * one, head_dim,
                                       group.query(i).out);
  }
  finish_results(group);
}

// How look_back is shared: a segment of many rows by tiles of them, one of few rows by spans of keys. A piece
// that is all of a row's queries for a head of keys places them itself, if it may.
class Division {
 public:
  Division(const Layer& layer, AttentionMemory& memory, bool pieces_place)
      : layer_(layer),
        memory_(memory),
        pieces_place_(pieces_place),
        group_(layer.heads.q.n_heads / layer.heads.k.n_heads),
        tile_rows_(std::max<std::size_t>(kQueryTile / group_, 1)) {
    memory.rows_to_place.clear();
    memory.pieces.clear();
    memory.merges.clear();
    std::size_t sums = 0;
    for (std::size_t i = 0; i < layer.step.segments.size(); ++i) {
      sums += splits(i) ? (n_spans(i) + n_sinks()) * rows(i) * layer.heads.q.n_heads : 0;
    }
    next_sums_ = memory.sums.rows(sums, attention_sum_floats(layer.spec.head_dim)).data;
    for (std::size_t i = 0; i < layer.step.segments.size(); ++i) {
      for (std::size_t row = 0; row < rows(i) && !places(i); ++row) {
        memory.rows_to_place.push_back(layer.step.first_rows[i] + row);
      }
      for (std::size_t kv_head = 0; kv_head < layer.heads.k.n_heads; ++kv_head) {
        if (splits(i)) {
          add_spans(i, kv_head);
        } else {
          add_tiles(i, kv_head);
        }
      }
    }
  }

 private:
  std::size_t rows(std::size_t segment) const { return layer_.step.segments[segment].tokens.size(); }
  std::size_t first_span(std::size_t segment) const {
    return Group{layer_, {segment, layer_.step.first_rows[segment], 1, 0}}.query(0).first / kSpanKeys;
  }
  std::size_t n_spans(std::size_t segment) const {
    const std::size_t last = layer_.step.segments[segment].state->length() + rows(segment) - 1;
    return last / kSpanKeys + 1 - first_span(segment);
  }
  std::size_t n_sinks() const { return layer_.spec.sinks ? 1 : 0; }  // sums of a query besides those of spans
  bool splits(std::size_t segment) const { return rows(segment) <= tile_rows_ && n_spans(segment) > 1; }

  bool places(std::size_t segment) const { return pieces_place_ && rows(segment) == 1 && !splits(segment); }

  // Later rows see more, and begin.
  void add_tiles(std::size_t segment, std::size_t kv_head) {
    const std::size_t first = layer_.step.first_rows[segment];
    for (std::size_t tile = (rows(segment) - 1) / tile_rows_ + 1; tile-- > 0;) {
      const std::size_t at = tile * tile_rows_, n = std::min(tile_rows_, rows(segment) - at);
      memory_.pieces.push_back({segment, first + at, n, kv_head, 0, nullptr, places(segment)});
    }
  }

  void add_spans(std::size_t segment, std::size_t kv_head) {
    const std::size_t spans = n_spans(segment), n = rows(segment);
    const std::size_t first = layer_.step.first_rows[segment];
    AttentionPiece piece{segment, first, n, kv_head, first_span(segment), next_sums_};
    const std::size_t floats = n * group_ * attention_sum_floats(layer_.spec.head_dim);
    memory_.merges.push_back({piece, spans + n_sinks()});
    for (std::size_t i = 0; i < spans; ++i, ++piece.span) {
      memory_.pieces.push_back(piece);
      piece.sums += floats;
    }
    next_sums_ = piece.sums + n_sinks() * floats;
  }

  const Layer& layer_;
  AttentionMemory& memory_;
  bool pieces_place_;
  std::size_t group_, tile_rows_;
  float* next_sums_ = nullptr;
};

// Makes of what the matrices gave queries, keys and values, and remembers keys and values.
void place(const Layer& layer, const AttentionMemory& memory) {
  const std::vector<std::size_t>& rows = memory.rows_to_place;
  const std::size_t width = (layer.heads.q.n_heads + layer.heads.k.n_heads) * layer.heads.q.head_dim;
  constexpr std::size_t kCost = 4;  // multiply-adds that a number takes as long as
  share_rows(layer.step, rows.size(), kCost * rows.size() * width,
             [&](std::size_t i, int) { place_row(layer, rows[i]); });
}

void look_back(const Layer& layer, AttentionMemory& memory) {
  Step& step = layer.step;
  std::size_t work = 0, merged = 0;
  for (const Segment& s : step.segments) {
    std::size_t seen = s.state->length() + s.tokens.size();
    if (layer.spec.window > 0) seen = std::min<std::size_t>(seen, layer.spec.window);
    work += s.tokens.size() * seen * layer.heads.q.n_heads * layer.heads.q.head_dim;
  }
  share(step, memory.pieces.size(), work, [&](std::size_t i, int worker) {
    const std::size_t next = i + static_cast<std::size_t>(step.threads.size());
    run_piece(layer, memory.pieces[i], next < memory.pieces.size() ? &memory.pieces[next] : nullptr, worker);
  });
  for (const AttentionMerge& merge : memory.merges) {
    merged += merge.n_spans * Group{layer, merge.first}.queries() * layer.heads.q.head_dim;
  }
  share(step, memory.merges.size(), merged, [&](std::size_t i, int) { run_merge(layer, memory.merges[i]); });
}

HeadRows side_by_side(Rows rows, std::size_t n_heads, std::size_t head_dim) {
  return {rows, n_heads, head_dim, n_heads, 0};
}

// Where the heads' results stand, side by side.
HeadRows results(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory) {
  const std::size_t rows = step.rows(), n_heads = spec.n_heads, head_dim = spec.head_dim;
  // The results of heads that share keys are computed together, and rounded if they are whole blocks and what the
  // output map takes.
  const bool rounds = n_heads / spec.n_kv_heads * head_dim % kInt8Block == 0 && !spec.out_norm && !spec.latent;
  return side_by_side(rounds ? rows_for(step, {{&weights.out}, true}, memory.heads, rows, n_heads * head_dim)
                             : memory.heads.rows(rows, n_heads * head_dim),
                      n_heads, head_dim);
}

// Queries, keys and values in one: group after group, or block after block.
Heads project_grouped(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory,
                      Rows x, const HeadRows& out) {
  const std::size_t n_heads = spec.n_heads, n_kv_heads = spec.n_kv_heads, head_dim = spec.head_dim;
  const Rows all = memory.qkv.rows(step.rows(), (n_heads + 2 * n_kv_heads) * head_dim);
  linear(step, {{&weights.qkv, all}}, x, step.rows());
  if (spec.qkv_blocks > 0) {
    const std::size_t group = n_heads / spec.qkv_blocks, width = group * head_dim, stride = 3 * width;
    return {.q = {all, n_heads, head_dim, group, stride},
            .k = {all.from(2 * width), n_heads, head_dim, group, stride},
            .v = {all.from(width), n_heads, head_dim, group, stride},
            .out = out};
  }
  const std::size_t group = n_heads / n_kv_heads, stride = (group + 2) * head_dim;
  return {.q = {all, n_heads, head_dim, group, stride},
          .k = {all.from(group * head_dim), n_kv_heads, head_dim, 1, stride},
          .v = {all.from((group + 1) * head_dim), n_kv_heads, head_dim, 1, stride},
          .out = out};
}

// Latent attention: each head's query goes into the latent space, [part that turns, W_kb' part that does not]; the one
// key, which is the value too, is [part that turns, latent vector].
Heads project_latent(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory,
                     Rows x, const HeadRows& out) {
  const LatentSpec& latent = *spec.latent;
  const std::size_t rows = step.rows(), n_heads = spec.n_heads, head_dim = spec.head_dim, rank = latent.kv_rank,
                    nope = latent.nope_dim, turned = latent.rope_dim;
  const Rows made = memory.qkv.rows(rows, n_heads * (nope + turned));
  const Rows low = memory.gates.rows(rows, rank + turned);  // the latent vector and what turns
  if (weights.q_a.weight.data) {
    const Rows low_q = memory.v.rows(rows, latent.q_rank);
    linear(step, {{&weights.q_a, low_q}, {&weights.kv_a, low}}, x, rows);
    normalize(step, latent.norm, weights.q_a_norm, low_q, rows, low_q);
    linear(step, {{&weights.q_b, made}}, low_q, rows);
  } else {
    linear(step, {{&weights.q_b, made}, {&weights.kv_a, low}}, x, rows);
  }
  const Rows q = memory.q.rows(rows, n_heads * head_dim), k = memory.k.rows(rows, head_dim);
  normalize(step, latent.norm, weights.kv_a_norm, low, rows, k.from(turned));
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(low[row] + rank, turned, k[row]);
    for (std::size_t h = 0; h < n_heads; ++h)
      std::copy_n(made[row] + h * (nope + turned) + nope, turned, q[row] + h * head_dim);
  }
  for (std::size_t h = 0; h < n_heads; ++h) {
    linear(step, {{&weights.k_b[h], {q.from(h * head_dim + turned)}}}, made.from(h * (nope + turned)), rows);
  }
  return {.q = side_by_side(q, n_heads, head_dim),
          .k = side_by_side(k, 1, head_dim),
          .v = side_by_side(k, 1, head_dim),
          .out = out};
}

// The matrices' outputs, seen as heads.
Heads project(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory, Rows x) {
  const std::size_t rows = step.rows(), n_heads = spec.n_heads, n_kv_heads = spec.n_kv_heads, head_dim = spec.head_dim;
  const HeadRows out = results(step, spec, weights, memory);
  if (spec.latent) return project_latent(step, spec, weights, memory, x, out);
  if (spec.grouped_qkv) return project_grouped(step, spec, weights, memory, x, out);
  using OutputGate = AttentionSpec::OutputGate;
  const bool value_gate = spec.output_gate == OutputGate::value;  // behind each head's query
  const Rows q = memory.q.rows(rows, n_heads * head_dim * (value_gate ? 2 : 1));
  const Rows k = memory.k.rows(rows, n_kv_heads * head_dim);
  const Rows v = memory.v.rows(rows, n_kv_heads * head_dim);
  if (spec.kv_layer) {
    linear(step, {{&weights.q, q}}, x, rows);
  } else if (spec.values_are_keys) {
    linear(step, {{&weights.q, q}, {&weights.k, k}}, x, rows);
    std::copy_n(k.data, rows * n_kv_heads * head_dim, v.data);
  } else {
    linear(step, {{&weights.q, q}, {&weights.k, k}, {&weights.v, v}}, x, rows);
  }
  add_adapter(step, weights.q_adapter, x, rows, q, memory.small, memory.extra);
  add_adapter(step, weights.k_adapter, x, rows, k, memory.small, memory.extra);
  add_adapter(step, weights.v_adapter, x, rows, v, memory.small, memory.extra);
  Heads heads{.q = side_by_side(q, n_heads, head_dim),
              .k = side_by_side(k, n_kv_heads, head_dim),
              .v = side_by_side(v, n_kv_heads, head_dim),
              .out = out};
  if (value_gate) {
    heads.q = {q, n_heads, head_dim, 1, 2 * head_dim};
    heads.gates = {q.from(head_dim), n_heads, head_dim, 1, 2 * head_dim};
  } else if (spec.output_gate == OutputGate::apart) {
    heads.gates = side_by_side(memory.gates.rows(rows, n_heads * head_dim), n_heads, head_dim);
    linear(step, {{&weights.gate, {heads.gates.rows}}}, x, rows);
  } else if (spec.output_gate == OutputGate::head) {
    heads.gates = side_by_side(memory.gates.rows(rows, n_heads), n_heads, 1);
    linear(step, {{&weights.gate, {heads.gates.rows}}}, x, rows);
  }
  return heads;
}

// What the output map takes: the heads' results; of latent attention brought out of the latent space; normalized.
// `probed`: as floats as well, whatever the map takes.
Rows output_inputs(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, AttentionMemory& memory,
                   Rows heads, bool probed) {
  const std::size_t rows = step.rows();
  if (spec.latent) {
    const std::size_t n_heads = spec.n_heads, v_dim = spec.latent->v_dim;
    const Rows values = memory.v.rows(rows, n_heads * v_dim);
    for (std::size_t h = 0; h < n_heads; ++h) {
      linear(step, {{&weights.v_b[h], {values.from(h * v_dim)}}}, heads.from(h * spec.head_dim + spec.latent->rope_dim),
             rows);
    }
    heads = values;
  }
  if (!spec.out_norm) return heads;
  const Rows normal = rows_for(step, {{&weights.out}, probed}, memory.qkv, rows, weights.out.weight.cols);
  normalize(step, *spec.out_norm, weights.out_norm, heads, rows, normal);
  return normal;
}

// For a listener, which hears steps of one segment.
AttentionView view(const Layer& layer) {
  const HeadRows& q = layer.heads.q;
  return {.spec = layer.spec,
          .cache = cache_of(layer, 0),
          .queries = {q.rows.data, q.rows.stride, layer.step.rows(), q.head_dim, q.per_group, q.group_stride},
          .alibi = layer.alibi,
          .first_position = layer.step.places.front().position,
          .sinks = layer.weights.sinks};
}

}  // namespace

template <class Probe>
void Attention::run(Step& step, const AttentionSpec& spec, const AttentionWeights& weights, StateSlot slot, Rows x,
                    Branch out, Probe probe) {
  CONTINUO_CHECK(!spec.qk_norm || spec.qk_norm->span != QkNormSpec::Span::all_heads || !spec.grouped_qkv,
                 "a norm of all heads at once wants them side by side");
  CONTINUO_CHECK(spec.output_gate == AttentionSpec::OutputGate::none || !spec.grouped_qkv,
                 "an output gate wants queries apart from keys and values");
  CONTINUO_CHECK(spec.output_gate != AttentionSpec::OutputGate::value || !normalizes_all_heads(spec),
                 "a norm of all heads at once wants them side by side");
  CONTINUO_CHECK(!spec.alibi || spec.alibi->slopes.size() == static_cast<std::size_t>(spec.n_heads),
                 "a slope for every head");
  const Heads heads = project(step, spec, weights, memory_, x);
  const Layer all{
      step, spec, weights, slot.layer, heads, table_of(step.ropes, spec.rope), table_of(step.alibis, spec.alibi)};
  constexpr bool kProbed = !std::is_same_v<Probe, NoListener>;
  CONTINUO_CHECK(!spec.sinks || weights.sinks.size() == static_cast<std::size_t>(spec.n_heads),
                 "a sink for every head");
  const Division division(all, memory_, !kProbed && !normalizes_all_heads(spec));
  place(all, memory_);
  probe.projected(slot.layer);
  look_back(all, memory_);
  if constexpr (kProbed) probe.looked_back(slot.layer, view(all));
  const Rows gathered = output_inputs(step, spec, weights, memory_, heads.out.rows, kProbed);
  if constexpr (kProbed) {
    probe.gathered(slot.layer, {gathered.data, gathered.stride, step.rows(), weights.out.weight.cols});
  }
  linear(step, {{&weights.out, out}}, gathered, step.rows());
}

template void Attention::run<NoListener>(Step&, const AttentionSpec&, const AttentionWeights&, StateSlot, Rows, Branch,
                                         NoListener);
template void Attention::run<Listener&>(Step&, const AttentionSpec&, const AttentionWeights&, StateSlot, Rows, Branch,
                                        Listener&);

}  // namespace continuo
