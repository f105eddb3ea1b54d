#include "layers/probe.h"

#include <algorithm>
#include <cmath>

#include "layers/embedding.h"
#include "layers/linear.h"
#include "layers/output.h"
#include "layers/step.h"

namespace continuo {

namespace {

std::vector<float> unpacked(const Matrix& m, std::size_t row) {
  std::vector<float> out(m.cols);
  format_info(m.format).to_float(m.data + stored_bytes(m.format, row * m.stride), out.data(), m.cols);
  return out;
}

Step bare_step(const KernelTable& kernels, ThreadPool& threads, Scratch& scratch) {
  return {.kernels = kernels, .threads = threads, .scratch = scratch};
}

}  // namespace

std::vector<float> attention_scores(const AttentionView& view, std::size_t row, std::size_t head, std::size_t keys) {
  const AttentionSpec& spec = view.spec;
  const std::size_t head_dim = spec.head_dim;
  const auto query = view.queries(row, head);
  const std::size_t kv_head = head / (spec.n_heads / spec.n_kv_heads);
  std::vector<float> scores(keys);
  for (std::size_t j = 0; j < keys; ++j) {
    double score = 0;
    for (std::size_t d = 0; d < head_dim; ++d) score += double(query[d]) * double(view.cache.key(kv_head, j, d));
    score *= double(spec.scale);
    if (spec.attn_logit_softcap > 0) score = spec.attn_logit_softcap * std::tanh(score / spec.attn_logit_softcap);
    if (view.alibi) score += double(view.alibi->bias(head)[j]);
    scores[j] = static_cast<float>(score);
  }
  return scores;
}

std::vector<float> VocabularyProbe::logits(std::span<const float> rows) const {
  const std::size_t d_model = model_.spec.d_model, n = rows.size() / d_model;
  Scratch scratch(threads_.size());
  Step step = bare_step(kernels_, threads_, scratch);
  const std::vector<TokenId> tokens(n);
  const Segment segment{.tokens = tokens, .logits_wanted = n};
  step.segments = std::span(&segment, 1);
  step.first_rows = {0};
  std::vector<float> x(rows.begin(), rows.end());
  Output output;
  const auto out = output(step, model_, {x.data(), d_model});
  return {out.begin(), out.end()};
}

std::vector<float> VocabularyProbe::embedding_products(std::span<const float> row) const {
  const Matrix& embedding = model_.weights.embedding;
  Scratch scratch(threads_.size());
  Step step = bare_step(kernels_, threads_, scratch);
  std::vector<float> in(row.begin(), row.end()), out(embedding.rows);
  const Linear map{embedding, {}};
  linear(step, {{&map, {out.data(), embedding.rows}}}, {in.data(), embedding.cols}, 1);
  return out;
}

std::vector<float> VocabularyProbe::embedding(TokenId token) const {
  return unpacked(model_.weights.embedding, static_cast<std::size_t>(token));
}

std::vector<float> VocabularyProbe::embedding_norms() const {
  const Matrix& embedding = model_.weights.embedding;
  std::vector<float> norms(embedding.rows);
  for (std::size_t r = 0; r < embedding.rows; ++r) {
    double squares = 0;
    for (const float value : unpacked(embedding, r)) squares += double(value) * double(value);
    norms[r] = static_cast<float>(std::sqrt(squares));
  }
  return norms;
}

std::vector<float> VocabularyProbe::position_row(std::size_t position) const {
  const PositionSpec& positions = model_.spec.positions;
  if (const auto* learned = std::get_if<LearnedPositions>(&positions)) {
    return unpacked(model_.weights.learned_positions, position + static_cast<std::size_t>(learned->offset));
  }
  if (const auto* sinusoidal = std::get_if<SinusoidalPositions>(&positions)) {
    std::vector<float> row(static_cast<std::size_t>(model_.spec.d_model));
    add_sinusoidal_position(*sinusoidal, position, row);
    return row;
  }
  return {};
}

}  // namespace continuo
