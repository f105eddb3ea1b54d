#include "layers/forward.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "layers/attention.h"
#include "layers/embedding.h"
#include "layers/experts.h"
#include "layers/feed_forward.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/output.h"
#include "layers/probe.h"
#include "layers/residual.h"
#include "layers/step.h"

namespace continuo {

namespace {

// One table for each distinct spec that `part` finds in a layer's attention.
template <class Table, class Spec>
std::vector<Table> distinct_tables(const ModelSpec& model, std::optional<Spec> AttentionSpec::*part) {
  std::vector<Table> tables;
  for (const LayerSpec& layer : model.layers) {
    const auto* attention = std::get_if<AttentionSpec>(&layer.mixer);
    if (!attention || !(attention->*part)) continue;
    const Spec& spec = *(attention->*part);
    const auto is_it = [&](const Table& table) { return table.spec() == spec; };
    if (std::none_of(tables.begin(), tables.end(), is_it)) tables.emplace_back(spec);
  }
  return tables;
}

// Who reads what goes into a mixer, and into a feed-forward network.
Readers readers(const MixerWeights& mixer) {
  const auto& attention = std::get<AttentionWeights>(mixer);
  return {{&attention.qkv, &attention.q, &attention.k, &attention.v}, false};
}
Readers readers(const FeedWeights& feed) {
  if (const auto* dense = std::get_if<FeedForwardWeights>(&feed)) return {{&dense->gate, &dense->up}, false};
  return {{&std::get<ExpertsWeights>(feed).router}, true};  // rows are copied for the experts
}
Readers operator+(Readers all, const Readers& more) {
  auto free = std::find(all.maps.begin(), all.maps.end(), nullptr);
  for (const Linear* map : more.maps) {
    if (!map) continue;
    CONTINUO_CHECK(free != all.maps.end(), "more readers than there is room for");
    *free++ = map;
  }
  all.others = all.others || more.others;
  return all;
}

}  // namespace

struct ForwardPass::Impl {
  const Model& model;
  Scratch scratch;
  RepackedWeights repacked;
  Step step;
  Embedding embed;
  Attention attention;
  FeedForward feed_forward;
  Experts experts;
  Output project;
  Buffer residual, normal, mixed, fed;

  Impl(const Model& m, const KernelTable& kernels, ThreadPool& threads, bool repack)
      : model(m),
        scratch(threads.size()),
        repacked(kernels, &m),
        step{.kernels = kernels,
             .threads = threads,
             .scratch = scratch,
             .ropes = distinct_tables<RopeTable>(m.spec, &AttentionSpec::rope),
             .alibis = distinct_tables<AlibiTable>(m.spec, &AttentionSpec::alibi),
             .repacked = repack ? &repacked : nullptr} {}

  void plan(std::span<const Segment> segments);
  Rows normed(const std::optional<NormSpec>& spec, const NormWeights& weights, const Readers& readers,
              Rows x);
  RowsView seen(Rows rows, std::size_t width) const { return {rows.data, rows.stride, step.rows(), width}; }

  // Ear: NoListener, which is nothing and whose calls vanish, or Listener&.
  template <class Ear>
  Rows mix(std::size_t layer, Rows x, std::optional<Residual> stream, Ear ear);
  template <class Ear>
  Rows feed(std::size_t layer, Rows x, std::optional<Residual> stream, Ear ear);
  template <class Ear>
  void sequential(std::size_t layer, Rows x, Ear ear);
  template <class Ear>
  void parallel(std::size_t layer, Rows x, Ear ear);
  template <class Ear>
  void norm_after(std::size_t layer, Rows x, Ear ear);
  template <class Ear>
  std::span<const float> run(std::span<const Segment> segments, Ear ear);
};

// Which row is which token of which sequence, and what its position means.
void ForwardPass::Impl::plan(std::span<const Segment> segments) {
  step.segments = segments;
  step.places.clear();
  step.first_rows.clear();
  std::size_t longest = 0;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Segment& segment = segments[s];
    segment.state->reserve(segment.tokens.size());
    step.first_rows.push_back(step.places.size());
    for (std::size_t i = 0; i < segment.tokens.size(); ++i)
      step.places.push_back({s, segment.state->length() + i});
    longest = std::max(longest, segment.state->length() + segment.tokens.size());
  }
  for (AlibiTable& alibi : step.alibis)
    alibi.reserve(longest);
  for (RopeTable& rope : step.ropes) {
    rope.resize(step.rows());
    for (std::size_t row = 0; row < step.rows(); ++row) {
      const RowPlace place = step.places[row];
      rope.set_row(row, place.position,
                   std::max(segments[place.segment].state->prompt_length(), place.position + 1));
    }
  }
}

// norm(x) for `readers`, or x itself where there is no norm. What it gave before is overwritten.
Rows ForwardPass::Impl::normed(const std::optional<NormSpec>& spec, const NormWeights& weights,
                               const Readers& readers, Rows x) {
  if (!spec) return x;
  const Rows out = rows_for(step, readers, normal, step.rows(), model.spec.d_model);
  normalize(step, *spec, weights, x, step.rows(), out);
  return out;
}

// The layer's mixer, and its norm behind; added to `stream`, where there is one.
template <class Ear>
Rows ForwardPass::Impl::mix(std::size_t layer, Rows x, std::optional<Residual> stream, Ear ear) {
  const LayerSpec& spec = model.spec.layers[layer];
  const LayerWeights& weights = model.weights.layers[layer];
  constexpr bool kHeard = !std::is_same_v<Ear, NoListener>;
  const bool adds = stream && !spec.mixer_out_norm;  // by itself
  const Rows out = kHeard || !adds ? mixed.rows(step.rows(), model.spec.d_model) : Rows{};
  attention.run<Ear>(step, std::get<AttentionSpec>(spec.mixer), std::get<AttentionWeights>(weights.mixer),
                     layer, x, {out, adds ? stream : std::nullopt}, ear);
  if (spec.mixer_out_norm)
    normalize(step, *spec.mixer_out_norm, weights.mixer_out_norm, out, step.rows(), out);
  ear.mixed(layer, seen(out, model.spec.d_model));
  if (!adds && stream) add(step, out, model.spec.d_model, *stream);
  return out;
}

// The layer's feed-forward network, and its norm behind; added to `stream`, where there is one.
template <class Ear>
Rows ForwardPass::Impl::feed(std::size_t layer, Rows x, std::optional<Residual> stream, Ear ear) {
  const LayerSpec& spec = model.spec.layers[layer];
  const LayerWeights& weights = model.weights.layers[layer];
  constexpr bool kHeard = !std::is_same_v<Ear, NoListener>;
  const auto* const dense = std::get_if<FeedForwardSpec>(&spec.feed);
  const bool adds = dense && stream && !spec.feed_out_norm;  // by itself
  const Rows out = kHeard || !adds ? fed.rows(step.rows(), model.spec.d_model) : Rows{};
  if (dense) {
    feed_forward(step, *dense, std::get<FeedForwardWeights>(weights.feed), x,
                 {out, adds ? stream : std::nullopt}, kHeard);
    if constexpr (kHeard) {
      ear.activated(layer, seen(feed_forward.hidden(step, *dense), dense->d_ff));
    }
  } else {
    experts(step, std::get<ExpertsSpec>(spec.feed), std::get<ExpertsWeights>(weights.feed), x, out);
  }
  if (spec.feed_out_norm) normalize(step, *spec.feed_out_norm, weights.feed_out_norm, out, step.rows(), out);
  ear.fed(layer, seen(out, model.spec.d_model));
  if (!adds && stream) add(step, out, model.spec.d_model, *stream);
  return out;
}

// x += s * mixer(norm(x)); x += s * feed(norm(x))
template <class Ear>
void ForwardPass::Impl::sequential(std::size_t layer, Rows x, Ear ear) {
  const LayerSpec& spec = model.spec.layers[layer];
  const LayerWeights& weights = model.weights.layers[layer];
  const Residual stream{x, spec.residual_scale};
  mix<Ear>(layer, normed(spec.mixer_norm, weights.mixer_norm, readers(weights.mixer), x), stream, ear);
  feed<Ear>(layer, normed(spec.feed_norm, weights.feed_norm, readers(weights.feed), x), stream, ear);
}

// x += s * mixer(norm(x)) + s * feed(norm(x))
template <class Ear>
void ForwardPass::Impl::parallel(std::size_t layer, Rows x, Ear ear) {
  const LayerSpec& spec = model.spec.layers[layer];
  const LayerWeights& weights = model.weights.layers[layer];
  const Residual stream{x, spec.residual_scale};
  const Rows to_mix =
      normed(spec.mixer_norm, weights.mixer_norm,
             spec.feed_norm ? readers(weights.mixer) : readers(weights.mixer) + readers(weights.feed), x);
  const Rows from_mixer = mix<Ear>(layer, to_mix, std::nullopt, ear);
  const Rows to_feed =
      spec.feed_norm ? normed(spec.feed_norm, weights.feed_norm, readers(weights.feed), x) : to_mix;
  feed<Ear>(layer, to_feed, stream, ear);
  add(step, from_mixer, model.spec.d_model, stream);
}

// x = norm(x + mixer(x)); x = norm(x + feed(x))
template <class Ear>
void ForwardPass::Impl::norm_after(std::size_t layer, Rows x, Ear ear) {
  const LayerSpec& spec = model.spec.layers[layer];
  const LayerWeights& weights = model.weights.layers[layer];
  const Residual stream{x, spec.residual_scale};
  mix<Ear>(layer, x, stream, ear);
  if (spec.mixer_norm) normalize(step, *spec.mixer_norm, weights.mixer_norm, x, step.rows(), x);
  feed<Ear>(layer, x, stream, ear);
  if (spec.feed_norm) normalize(step, *spec.feed_norm, weights.feed_norm, x, step.rows(), x);
}

template <class Ear>
std::span<const float> ForwardPass::Impl::run(std::span<const Segment> segments, Ear ear) {
  const ModelSpec& spec = model.spec;
  ear.started();
  plan(segments);
  if (step.repacked) step.repacked->go_on(step.threads);
  const Rows x = residual.rows(step.rows(), spec.d_model);
  embed(step, model, x);
  ear.embedded(seen(x, spec.d_model));
  for (std::size_t layer = 0; layer < spec.layers.size(); ++layer) {
    switch (spec.layers[layer].order) {
      case LayerSpec::Order::sequential:
        sequential<Ear>(layer, x, ear);
        break;
      case LayerSpec::Order::parallel:
        parallel<Ear>(layer, x, ear);
        break;
      case LayerSpec::Order::norm_after:
        norm_after<Ear>(layer, x, ear);
        break;
    }
    ear.passed(layer, seen(x, spec.d_model));
  }
  for (const Segment& segment : segments)
    segment.state->advance(segment.tokens.size());
  const std::span<const float> logits = project(step, model, x);
  ear.finished(logits);
  return logits;
}

ForwardPass::ForwardPass(const Model& model, const KernelTable& kernels, ThreadPool& threads, bool repack)
    : impl_(std::make_unique<Impl>(model, kernels, threads, repack)) {}
ForwardPass::~ForwardPass() = default;

std::span<const float> ForwardPass::operator()(std::span<const Segment> segments) {
  return impl_->run<NoListener>(segments, {});
}

std::span<const float> ForwardPass::operator()(const Segment& segment, Listener& listener) {
  return impl_->run<Listener&>(std::span(&segment, 1), listener);
}

}  // namespace continuo
