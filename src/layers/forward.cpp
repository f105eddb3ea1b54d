#include "layers/forward.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "layers/attention.h"
#include "layers/embedding.h"
#include "layers/feed_forward.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/probe.h"
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

RowsView view(Rows x, std::size_t rows, std::size_t width) { return {x.data, x.stride, rows, width}; }

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
  template <class Ear>
  std::span<const float> run(std::span<const Segment> segments, Ear& ear);
  template <class Ear>
  void mix(const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x, Rows out, Ear& ear);
  template <class Ear>
  void feed(const FeedForwardSpec& spec, const FeedForwardWeights& weights, std::size_t layer, Rows x, Rows out, Ear& ear);
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

template <class Ear>
void ForwardPass::Impl::mix(const AttentionSpec& spec, const AttentionWeights& weights, std::size_t layer, Rows x,
                            Rows out, Ear& ear) {
  const std::size_t n = step.rows();
  const std::size_t q_width = std::size_t(spec.n_heads) * spec.head_dim;
  const std::size_t kv_width = std::size_t(spec.n_kv_heads) * spec.head_dim;
  const AttentionBuffers buffers{q.rows(n, q_width), k.rows(n, kv_width), v.rows(n, kv_width), heads.rows(n, q_width)};
  attend(step, spec, weights, layer, x, buffers, product.rows(n, model.spec.d_model), out, ear);
}

template <class Ear>
void ForwardPass::Impl::feed(const FeedForwardSpec& spec, const FeedForwardWeights& weights, std::size_t layer, Rows x,
                             Rows out, Ear& ear) {
  const std::size_t n = step.rows();
  const FeedForwardBuffers buffers{hidden.rows(n, spec.d_ff), spec.gated ? up.rows(n, spec.d_ff) : Rows{}};
  feed_forward(step, spec, weights, x, buffers, product.rows(n, model.spec.d_model), out);
  ear.activated(layer, view(buffers.hidden, n, spec.d_ff));
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

// The spine. Each call of `ear` is a place where a listener may look; NoListener's calls are nothing.
template <class Ear>
std::span<const float> ForwardPass::Impl::run(std::span<const Segment> segments, Ear& ear) {
  const ModelSpec& spec = model.spec;
  const Weights& weights = model.weights;

  ear.started();
  plan(segments);
  const std::size_t n = step.rows(), d_model = spec.d_model;
  const Rows x = residual.rows(n, d_model);
  const Rows normed = normal.rows(n, d_model);

  embed(step, model, x);
  ear.embedded(view(x, n, d_model));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    const LayerWeights& w = weights.layers[i];
    normalize(step, layer.mixer_norm, w.mixer_norm, x, n, d_model, normed);
    std::visit([&](const auto& mixer, const auto& mw) { mix(mixer, mw, i, normed, x, ear); }, layer.mixer, w.mixer);
    ear.mixed(i, view(x, n, d_model));
    normalize(step, layer.feed_norm, w.feed_norm, x, n, d_model, normed);
    std::visit([&](const auto& f, const auto& fw) { feed(f, fw, i, normed, x, ear); }, layer.feed, w.feed);
    ear.fed(i, view(x, n, d_model));
  }
  for (const Segment& segment : segments) segment.state->advance(segment.tokens.size());
  const auto scores = project(x);
  ear.finished(scores);
  return scores;
}

ForwardPass::ForwardPass(const Model& model, const KernelTable& kernels, ThreadPool& threads)
    : impl_(std::make_unique<Impl>(model, kernels, threads)) {}
ForwardPass::~ForwardPass() = default;

std::span<const float> ForwardPass::operator()(std::span<const Segment> segments) {
  NoListener silence;
  return impl_->run(segments, silence);
}

std::span<const float> ForwardPass::operator()(const Segment& segment, Listener& listener) {
  return impl_->run(std::span(&segment, 1), listener);
}

}  // namespace continuo
