#include "layers/forward.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "layers/attention.h"
#include "layers/embedding.h"
#include "layers/feed_forward.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/step.h"

namespace continuo {

namespace {

// A buffer of the step, kept from step to step.
class Buffer {
 public:
  Rows rows(std::size_t n, std::size_t width) {
    if (floats_.size() < n * width) floats_.resize(n * width);
    return {floats_.data(), width};
  }

 private:
  std::vector<float> floats_;
};

std::vector<RopeTable> distinct_ropes(const ModelSpec& spec) {
  std::vector<RopeTable> tables;
  for (const LayerSpec& layer : spec.layers) {
    const auto* attention = std::get_if<AttentionSpec>(&layer.mixer);
    if (!attention || !attention->rope) continue;
    const bool known = std::any_of(tables.begin(), tables.end(),
                                   [&](const RopeTable& table) { return table.spec() == *attention->rope; });
    if (!known) tables.emplace_back(*attention->rope);
  }
  return tables;
}

}  // namespace

struct ForwardPass::Impl {
  const Model& model;
  Scratch scratch;
  Step step;
  Buffer residual, normal, product, q, k, v, heads, hidden, up, wanted, logits;

  Impl(const Model& m, const KernelTable& kernels, ThreadPool& threads)
      : model(m),
        scratch(threads.size()),
        step{kernels, threads, scratch, {}, {}, {}, distinct_ropes(m.spec)} {}

  void plan(std::span<const Segment> segments);
  void mix(const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x, Rows out);
  void feed(const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x, Rows out);
  std::span<const float> project(Rows x);
};

// Which row is which token of which sequence, and how its position turns it.
void ForwardPass::Impl::plan(std::span<const Segment> segments) {
  step.segments = segments;
  step.places.clear();
  step.first_rows.clear();
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Segment& segment = segments[s];
    CONTINUO_CHECK(segment.state->length() + segment.tokens.size() <= segment.state->capacity(),
                   "a segment that its state has no room for");
    step.first_rows.push_back(step.places.size());
    for (std::size_t i = 0; i < segment.tokens.size(); ++i) step.places.push_back({s, segment.state->length() + i});
  }
  for (RopeTable& rope : step.ropes) {
    rope.resize(step.rows());
    for (std::size_t row = 0; row < step.rows(); ++row) {
      const RowPlace place = step.places[row];
      rope.set_row(row, place.position, std::max(segments[place.segment].state->prompt_length(), place.position + 1));
    }
  }
}

void ForwardPass::Impl::mix(const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x,
                            Rows out) {
  const std::size_t n = step.rows();
  const std::size_t q_width = std::size_t(spec.n_heads) * spec.head_dim;
  const std::size_t kv_width = std::size_t(spec.n_kv_heads) * spec.head_dim;
  const AttentionBuffers buffers{q.rows(n, q_width), k.rows(n, kv_width), v.rows(n, kv_width), heads.rows(n, q_width)};
  attend(step, spec, weights, layer, x, buffers, product.rows(n, model.spec.d_model), out);
}

void ForwardPass::Impl::feed(const FeedForwardSpec& spec, const FeedForwardWeights& weights, Rows x, Rows out) {
  const std::size_t n = step.rows();
  const FeedForwardBuffers buffers{hidden.rows(n, spec.d_ff), spec.gated ? up.rows(n, spec.d_ff) : Rows{}};
  feed_forward(step, spec, weights, x, buffers, product.rows(n, model.spec.d_model), out);
}

// The output layer, for the rows that want it.
std::span<const float> ForwardPass::Impl::project(Rows x) {
  const std::size_t d_model = model.spec.d_model, vocab_size = model.spec.vocab_size;
  std::size_t n = 0;
  for (const Segment& s : step.segments) n += s.logits_wanted;
  const Rows gathered = wanted.rows(n, d_model);
  std::size_t to = 0;
  for (std::size_t s = 0; s < step.segments.size(); ++s) {
    const Segment& segment = step.segments[s];
    const std::size_t first = step.first_rows[s] + segment.tokens.size() - segment.logits_wanted;
    for (std::size_t i = 0; i < segment.logits_wanted; ++i) std::copy_n(x[first + i], d_model, gathered[to++]);
  }
  const Rows normed = normal.rows(n, d_model);
  const Rows scores = logits.rows(n, vocab_size);
  normalize(step, model.spec.final_norm, model.weights.final_norm, gathered, n, d_model, normed);
  linear(step, {{&model.weights.output, scores}}, normed, n);
  return {scores.data, n * vocab_size};
}

ForwardPass::ForwardPass(const Model& model, const KernelTable& kernels, ThreadPool& threads)
    : impl_(std::make_unique<Impl>(model, kernels, threads)) {}
ForwardPass::~ForwardPass() = default;

std::span<const float> ForwardPass::operator()(std::span<const Segment> segments) {
  Impl& p = *impl_;
  const ModelSpec& spec = p.model.spec;
  const Weights& weights = p.model.weights;

  p.plan(segments);
  const std::size_t n = p.step.rows(), d_model = spec.d_model;
  const Rows x = p.residual.rows(n, d_model);
  const Rows normed = p.normal.rows(n, d_model);

  embed(p.step, p.model, x);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    const LayerWeights& w = weights.layers[i];
    normalize(p.step, layer.mixer_norm, w.mixer_norm, x, n, d_model, normed);
    std::visit([&](const auto& mixer, const auto& mw) { p.mix(mixer, mw, i, normed, x); }, layer.mixer, w.mixer);
    normalize(p.step, layer.feed_norm, w.feed_norm, x, n, d_model, normed);
    std::visit([&](const auto& feed, const auto& fw) { p.feed(feed, fw, normed, x); }, layer.feed, w.feed);
  }
  for (const Segment& segment : segments) segment.state->advance(segment.tokens.size());
  return p.project(x);
}

}  // namespace continuo
