#include <algorithm>
#include <cmath>
#include <utility>

#include "explain/explain.h"
#include "layers/probe.h"
#include "layers/rope.h"

namespace continuo::explain {

namespace {

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

void describe_rows(const Machine& machine, PositionKind kind, Recording& r) {
  const VocabularyProbe vocabulary(machine.model, machine.kernels, machine.threads);
  PositionRecord& p = r.positions;
  p.kind = kind;
  const std::size_t n = r.rows();
  p.cosines = Grid(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = vocabulary.position_row(r.from + i);
    if (p.rows.cols == 0) p.rows = Grid(n, row.size());
    std::copy(row.begin(), row.end(), &p.rows.at(i, 0));
  }
  const auto row = [&](std::size_t i) { return std::span<const float>(&p.rows.at(i, 0), p.rows.cols); };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double lengths = std::sqrt(product(row(i), row(i)) * product(row(j), row(j)));
      p.cosines.at(i, j) = lengths > 0 ? static_cast<float>(product(row(i), row(j)) / lengths) : 0;
    }
  }
}

void describe_rope(const RopeSpec& rope, std::size_t layer, int head_dim, Recording& r) {
  PositionRecord& p = r.positions;
  p.kind = PositionKind::rope;
  p.rope_layer = layer;
  p.rotary_dim = rope.rotary_dim;
  p.head_dim = head_dim;
  p.theta = rope.theta;
  p.turns = rope_frequencies(rope, r.text_tokens).turn;
}

// The first layer that tells positions apart by `part`, and the layers that do not.
template <class Part, class Describe>
bool describe_first(const ModelSpec& spec, Part AttentionSpec::*part, PositionRecord& p, Describe describe) {
  bool found = false;
  std::vector<std::size_t> without;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const AttentionSpec* const attention = attention_in(spec.layers[i].mixer);
    if (!attention || !(attention->*part)) {
      without.push_back(i);
    } else if (!std::exchange(found, true)) {
      describe(*attention, i);
    }
  }
  if (found) p.layers_without = std::move(without);
  return found;
}

}  // namespace

void describe_positions(const Machine& machine, Recording& r) {
  const ModelSpec& spec = machine.model.spec;
  PositionRecord& p = r.positions;
  if (std::holds_alternative<LearnedPositions>(spec.positions)) return describe_rows(machine, PositionKind::learned, r);
  if (std::holds_alternative<SinusoidalPositions>(spec.positions))
    return describe_rows(machine, PositionKind::sinusoidal, r);
  const bool rope =
      describe_first(spec, &AttentionSpec::rope, p, [&](const AttentionSpec& attention, std::size_t layer) {
        describe_rope(*attention.rope, layer, attention.head_dim, r);
      });
  if (rope) return;
  describe_first(spec, &AttentionSpec::alibi, p, [&](const AttentionSpec& attention, std::size_t) {
    p.kind = PositionKind::alibi;
    for (const float slope : attention.alibi->slopes) p.slopes.push_back(slope * attention.alibi->scale);
  });
}

}  // namespace continuo::explain
