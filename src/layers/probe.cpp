#include "layers/probe.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

namespace {

std::vector<float> unpacked(const Matrix& m, std::size_t row) {
  std::vector<float> out(m.cols);
  format_info(m.format).to_float(m.data + stored_bytes(m.format, row * m.stride), out.data(), m.cols);
  return out;
}

Step bare_step(const KernelTable& kernels, ThreadPool& threads, Scratch& scratch) {
  return {kernels, threads, scratch, {}, {}, {}, {}};
}

}  // namespace

std::size_t first_visible(const AttentionSpec&, std::size_t) { return 0; }

std::vector<float> attention_scores(const AttentionView& view, std::size_t row, int head, std::size_t keys) {
  const AttentionSpec& spec = view.spec;
  const std::size_t head_dim = spec.head_dim;
  const auto query = view.queries[row].subspan(head * head_dim, head_dim);
  const float* const base = view.cache.keys(head / (spec.n_heads / spec.n_kv_heads));
  std::vector<float> scores(keys);
  for (std::size_t j = 0; j < keys; ++j) {
    const float* const key = base + j / kKeyBlock * kKeyBlock * head_dim + j % kKeyBlock;
    double sum = 0;
    for (std::size_t d = 0; d < head_dim; ++d) sum += double(query[d]) * double(key[d * kKeyBlock]);
    scores[j] = static_cast<float>(sum * double(spec.scale));
  }
  return scores;
}

std::vector<float> VocabularyProbe::logits(std::span<const float> rows) const {
  const std::size_t d_model = model_.spec.d_model, vocab_size = model_.spec.vocab_size, n = rows.size() / d_model;
  Scratch scratch(threads_.size());
  Step step = bare_step(kernels_, threads_, scratch);
  std::vector<float> in(rows.begin(), rows.end()), normed(rows.size()), out(n * vocab_size);
  normalize(step, model_.spec.final_norm, model_.weights.final_norm, {in.data(), d_model}, n, d_model,
            {normed.data(), d_model});
  linear(step, {{&model_.weights.output, {out.data(), vocab_size}}}, {normed.data(), d_model}, n);
  return out;
}

std::vector<float> VocabularyProbe::embedding_products(std::span<const float> rows) const {
  const Matrix& embedding = model_.weights.embedding;
  const std::size_t n = rows.size() / embedding.cols;
  Scratch scratch(threads_.size());
  Step step = bare_step(kernels_, threads_, scratch);
  std::vector<float> in(rows.begin(), rows.end()), out(n * embedding.rows);
  const Linear map{embedding, {}};
  linear(step, {{&map, {out.data(), embedding.rows}}}, {in.data(), embedding.cols}, n);
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

std::vector<float> VocabularyProbe::learned_position(std::size_t position) const {
  if (!model_.weights.learned_positions.data) return {};
  return unpacked(model_.weights.learned_positions, position);
}

}  // namespace continuo
