#include "layers/forward.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "layers/embedding.h"
#include "layers/layer_inputs.h"
#include "layers/linear.h"
#include "layers/low_rank.h"
#include "layers/norm.h"
#include "layers/output.h"
#include "layers/parts.h"
#include "layers/passes.h"
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
    const AttentionSpec* const attention = attention_in(layer.mixer);
    if (!attention || !(attention->*part)) continue;
    const Spec& spec = *(attention->*part);
    const auto is_it = [&](const Table& table) { return table.spec() == spec; };
    if (std::none_of(tables.begin(), tables.end(), is_it)) tables.emplace_back(spec);
  }
  return tables;
}

void scale_rows(Step& step, float scale, std::size_t width, Rows x) {
  for (std::size_t row = 0; row < step.rows(); ++row) {
    for (std::size_t i = 0; i < width; ++i) x[row][i] *= scale;
  }
}

}  // namespace

// A branch of a block: a part, and the norms before and behind it.
template <class SpecVariant, class WeightsVariant>
struct BranchParts {
  const std::optional<NormSpec>& norm;
  const NormWeights& norm_weights;
  const SpecVariant& part;
  const WeightsVariant& weights;
  const std::optional<NormSpec>& post_norm;
  const NormWeights& post_norm_weights;
  StateSlot slot;
};
constexpr std::optional<NormSpec> kNoNorm;
const NormWeights kNoNormWeights;
using MixerBranch = BranchParts<MixerSpec, MixerWeights>;
using FfnBranch = BranchParts<FfnSpec, FfnWeights>;

struct ForwardPass::Impl {
  const Model& model;
  const bool whole_texts;  // sees_both_sides
  Scratch scratch;
  const Adapters* adapters;
  std::optional<LowRankPass> low_rank;
  RepackedWeights repacked;
  Step step;
  Embedding embed;
  LayerInputs layer_inputs;
  Mixers mixers;
  Ffns ffns;
  Output project;
  Passes passes;
  Buffer residual, normal, mixed, fed, embedded;

  Impl(const Model& m, const KernelTable& kernels, ThreadPool& threads, ForwardOptions options)
      : model(m),
        whole_texts(sees_both_sides(m.spec)),
        scratch(threads.size()),
        adapters(options.adapters),
        repacked(kernels, &m),
        step{.kernels = kernels,
             .threads = threads,
             .scratch = scratch,
             .ropes = distinct_tables<RopeTable>(m.spec, &AttentionSpec::rope),
             .alibis = distinct_tables<AlibiTable>(m.spec, &AttentionSpec::alibi),
             .repacked = options.repack ? &repacked : nullptr} {
    if (adapters) low_rank.emplace(m.weights, *adapters);
  }

  MixerBranch mixer_branch(const LayerVisit& at) const;
  FfnBranch ffn_branch(const LayerVisit& at) const;
  bool has_mixer(std::size_t layer) const {
    return !std::holds_alternative<std::monostate>(model.spec.layers[layer].mixer);
  }
  bool has_ffn(std::size_t layer) const {
    return !std::holds_alternative<std::monostate>(model.spec.layers[layer].ffn);
  }
  Mixers& parts_of(const MixerBranch&) { return mixers; }
  Ffns& parts_of(const FfnBranch&) { return ffns; }
  Buffer& result_of(const MixerBranch&) { return mixed; }
  Buffer& result_of(const FfnBranch&) { return fed; }

  void lay_out_rows(std::span<const Segment> segments);
  void choose_adapters(std::span<const Segment> segments);
  void keep_embedding(Rows x);
  RowsView seen(Rows rows) const {
    return {rows.data, rows.stride, step.rows(), static_cast<std::size_t>(model.spec.d_model)};
  }

  // norm(x) for these consumers, or x itself where there is no norm. The previous result is overwritten.
  template <class BlockBranch>
  Rows normed(const BlockBranch& branch, const Consumers& consumers, Rows x);
  template <class BlockBranch>
  Rows normed(const BlockBranch& branch, Rows x) {
    return normed(branch, parts_of(branch).consumers(branch.weights), x);
  }
  // Probe: NoListener, whose calls vanish, or Listener&.
  template <class Probe, class BlockBranch>
  Rows run_branch(const BlockBranch& branch, Rows x, std::optional<Residual> stream, Probe probe);
  template <class Probe>
  void sequential(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  void parallel(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  void post_norm(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  void norm_of_sum(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  void toward(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  void layer(const LayerVisit& at, Rows x, Probe probe);
  template <class Probe>
  class LoopParts;
  // All layers; the rows behind the last of them.
  template <class Probe>
  Rows run_layers(std::span<const Segment> segments, Probe probe);
  template <class Probe>
  std::span<const float> run(std::span<const Segment> segments, Probe probe);
};

MixerBranch ForwardPass::Impl::mixer_branch(const LayerVisit& at) const {
  const LayerSpec& spec = model.spec.layers[at.layer];
  const LayerWeights& weights = model.weights.layers[at.layer];
  return {spec.mixer_norm,      weights.mixer_norm,      spec.mixer,  weights.mixer,
          spec.post_mixer_norm, weights.post_mixer_norm, {at.slot, 0}};
}

FfnBranch ForwardPass::Impl::ffn_branch(const LayerVisit& at) const {
  const LayerSpec& spec = model.spec.layers[at.layer];
  const LayerWeights& weights = model.weights.layers[at.layer];
  return {spec.ffn_norm,
          weights.ffn_norm,
          spec.ffn,
          weights.ffn,
          spec.post_ffn_norm,
          weights.post_ffn_norm,
          {at.slot, state_floats(spec).mixer}};
}

// Which row is which token of which sequence, and what its position means.
void ForwardPass::Impl::lay_out_rows(std::span<const Segment> segments) {
  step.segments = segments;
  step.places.clear();
  step.first_rows.clear();
  std::size_t longest = 0;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Segment& segment = segments[s];
    CONTINUO_CHECK(!whole_texts || segment.state->length() == 0, "a text that is seen from both sides is run whole");
    segment.state->reserve(segment.tokens.size());
    step.first_rows.push_back(step.places.size());
    for (std::size_t i = 0; i < segment.tokens.size(); ++i) step.places.push_back({s, segment.state->length() + i});
    longest = std::max(longest, segment.state->length() + segment.tokens.size());
  }
  for (AlibiTable& alibi : step.alibis) alibi.reserve(longest);
  for (RopeTable& rope : step.ropes) {
    rope.resize(step.rows());
    for (std::size_t row = 0; row < step.rows(); ++row) {
      const RowPlace place = step.places[row];
      rope.set_row(row, place.position, std::max(segments[place.segment].state->prompt_length(), place.position + 1));
    }
  }
}

// A step of texts without adapters knows of none.
void ForwardPass::Impl::choose_adapters(std::span<const Segment> segments) {
  const auto adapted = [&](const Segment& segment) {
    CONTINUO_CHECK(segment.adapter < (adapters ? adapters->choices.size() : 1), "an adapter that is not there");
    return adapters && !adapters->choices[segment.adapter].maps.empty();
  };
  step.low_rank = std::count_if(segments.begin(), segments.end(), adapted) > 0 ? &*low_rank : nullptr;
}

// A copy for the layers that read it, if there are any.
void ForwardPass::Impl::keep_embedding(Rows x) {
  const auto reads = [](const LayerSpec& layer) { return reads_embedding(layer.mixer); };
  if (std::none_of(model.spec.layers.begin(), model.spec.layers.end(), reads)) return;
  const auto d_model = static_cast<std::size_t>(model.spec.d_model);
  step.embedded = embedded.rows(step.rows(), d_model);
  for (std::size_t row = 0; row < step.rows(); ++row) std::copy_n(x[row], d_model, step.embedded[row]);
}

template <class BlockBranch>
Rows ForwardPass::Impl::normed(const BlockBranch& branch, const Consumers& consumers, Rows x) {
  if (!branch.norm) return x;
  const Rows out = rows_for(step, consumers, normal, step.rows(), model.spec.d_model);
  normalize(step, *branch.norm, branch.norm_weights, x, step.rows(), out);
  return out;
}

void report(const MixerBranch& branch, RowsView result, Listener& probe) { probe.mixed(branch.slot.layer, result); }
void report(const FfnBranch& branch, RowsView result, Listener& probe) { probe.fed(branch.slot.layer, result); }

// The part, and the norm behind it; added to `stream`, where there is one. A part that can adds its outputs to the
// stream while they are in the cache; the result is then kept only for a probe.
template <class Probe, class BlockBranch>
Rows ForwardPass::Impl::run_branch(const BlockBranch& branch, Rows x, std::optional<Residual> stream, Probe probe) {
  constexpr bool kProbed = !std::is_same_v<Probe, NoListener>;
  auto& parts = parts_of(branch);
  const bool fused = stream && !branch.post_norm && parts.adds_to_residual(branch.part);
  const Rows out = kProbed || !fused ? result_of(branch).rows(step.rows(), model.spec.d_model) : Rows{};
  parts.template run<Probe>(step, branch.part, branch.weights, branch.slot, x, {out, fused ? stream : std::nullopt},
                            probe);
  if (branch.post_norm) normalize(step, *branch.post_norm, branch.post_norm_weights, out, step.rows(), out);
  if constexpr (kProbed) report(branch, seen(out), probe);
  if (!fused && stream) add(step, out, model.spec.d_model, *stream);
  return out;
}

// x += s * mixer(norm(x)); x += s * ffn(norm(x))
template <class Probe>
void ForwardPass::Impl::sequential(const LayerVisit& at, Rows x, Probe probe) {
  const Residual stream{x, model.spec.layers[at.layer].residual_scale};
  if (has_mixer(at.layer)) {
    const MixerBranch mixer = mixer_branch(at);
    run_branch<Probe>(mixer, normed(mixer, x), stream, probe);
  }
  if (!has_ffn(at.layer)) return;
  const FfnBranch ffn = ffn_branch(at);
  run_branch<Probe>(ffn, normed(ffn, x), stream, probe);
}

// x += s * mixer(norm(x)) + s * ffn(norm(x))
template <class Probe>
void ForwardPass::Impl::parallel(const LayerVisit& at, Rows x, Probe probe) {
  const Residual stream{x, model.spec.layers[at.layer].residual_scale};
  const MixerBranch mixer = mixer_branch(at);
  const FfnBranch ffn = ffn_branch(at);
  Consumers consumers = mixers.consumers(mixer.weights);
  if (!ffn.norm) consumers.add(ffns.consumers(ffn.weights));  // both parts read the mixer's norm
  const Rows to_mix = normed(mixer, consumers, x);
  const Rows from_mixer = run_branch<Probe>(mixer, to_mix, std::nullopt, probe);
  run_branch<Probe>(ffn, ffn.norm ? normed(ffn, x) : to_mix, stream, probe);
  add(step, from_mixer, model.spec.d_model, stream);
}

// x = norm(x + mixer(x)); x = norm(x + ffn(x))
template <class Probe>
void ForwardPass::Impl::post_norm(const LayerVisit& at, Rows x, Probe probe) {
  const Residual stream{x, model.spec.layers[at.layer].residual_scale};
  const MixerBranch mixer = mixer_branch(at);
  const FfnBranch ffn = ffn_branch(at);
  run_branch<Probe>(mixer, x, stream, probe);
  if (mixer.norm) normalize(step, *mixer.norm, mixer.norm_weights, x, step.rows(), x);
  run_branch<Probe>(ffn, x, stream, probe);
  if (ffn.norm) normalize(step, *ffn.norm, ffn.norm_weights, x, step.rows(), x);
}

// x = post_norm(x + part(norm(x))), of both parts
template <class Probe>
void ForwardPass::Impl::norm_of_sum(const LayerVisit& at, Rows x, Probe probe) {
  const LayerSpec& spec = model.spec.layers[at.layer];
  const LayerWeights& weights = model.weights.layers[at.layer];
  const Residual stream{x, spec.residual_scale};
  const MixerBranch mixer{spec.mixer_norm, weights.mixer_norm, spec.mixer,  weights.mixer,
                          kNoNorm,         kNoNormWeights,     {at.slot, 0}};
  const FfnBranch ffn{spec.ffn_norm,
                      weights.ffn_norm,
                      spec.ffn,
                      weights.ffn,
                      kNoNorm,
                      kNoNormWeights,
                      {at.slot, state_floats(spec).mixer}};
  run_branch<Probe>(mixer, normed(mixer, x), stream, probe);
  normalize(step, *spec.post_mixer_norm, weights.post_mixer_norm, x, step.rows(), x);
  run_branch<Probe>(ffn, normed(ffn, x), stream, probe);
  normalize(step, *spec.post_ffn_norm, weights.post_ffn_norm, x, step.rows(), x);
}

// x = norm(x); x += rate * (post_norm(part(x)) - x), of both parts
template <class Probe>
void ForwardPass::Impl::toward(const LayerVisit& at, Rows x, Probe probe) {
  const LayerWeights& weights = model.weights.layers[at.layer];
  const auto go = [&](const auto& branch, const std::vector<float>& rates) {
    normalize(step, *branch.norm, branch.norm_weights, x, step.rows(), x);
    const Rows to = run_branch<Probe>(branch, x, std::nullopt, probe);
    for (std::size_t row = 0; row < step.rows(); ++row) {
      for (std::size_t i = 0; i < rates.size(); ++i) x[row][i] += rates[i] * (to[row][i] - x[row][i]);
    }
  };
  go(mixer_branch(at), weights.mixer_rate);
  go(ffn_branch(at), weights.ffn_rate);
}

template <class Probe>
void ForwardPass::Impl::layer(const LayerVisit& at, Rows x, Probe probe) {
  const LayerSpec& spec = model.spec.layers[at.layer];
  switch (spec.order) {
    case LayerSpec::Order::sequential:
      sequential<Probe>(at, x, probe);
      break;
    case LayerSpec::Order::parallel:
      parallel<Probe>(at, x, probe);
      break;
    case LayerSpec::Order::post_norm:
      post_norm<Probe>(at, x, probe);
      break;
    case LayerSpec::Order::norm_of_sum:
      norm_of_sum<Probe>(at, x, probe);
      break;
    case LayerSpec::Order::toward:
      toward<Probe>(at, x, probe);
      break;
  }
  if (spec.layer_input) layer_inputs.add(step, model, at.layer, x);
  if (spec.output_scale) scale_rows(step, model.weights.layers[at.layer].output_scale, model.spec.d_model, x);
  probe.passed(at.slot, seen(x));
}

// What the passes of a loop are made of. A listener hears of layers by the order in which they are gone through.
template <class Probe>
class ForwardPass::Impl::LoopParts : public PassParts {
 public:
  LoopParts(Impl& impl, Probe probe) : impl_(impl), probe_(probe) {}
  void lay_out(std::span<const Segment> segments) override { impl_.lay_out_rows(segments); }
  void layer(const LayerVisit& at, Rows x) override {
    if (listens_) {
      impl_.layer<Probe>(at, x, probe_);
    } else {
      impl_.layer<NoListener>(at, x, {});
    }
  }
  std::span<const float> logits(Rows x) override { return impl_.project(impl_.step, impl_.model, x); }
  void listen(bool on) override { listens_ = on; }
  bool watches_loops() const override { return probe_.watches_loops(); }
  void looped(std::size_t loop, std::span<const float> logits, Rows x, std::span<const float> lambdas) override {
    probe_.looped(loop, logits, impl_.seen(x), lambdas);
  }

 private:
  Impl& impl_;
  Probe probe_;
  bool listens_ = true;
};

template <class Probe>
Rows ForwardPass::Impl::run_layers(std::span<const Segment> segments, Probe probe) {
  const ModelSpec& spec = model.spec;
  probe.started();
  lay_out_rows(segments);
  choose_adapters(segments);
  if (step.repacked) step.repacked->go_on(step.threads);
  const Rows x = residual.rows(step.rows(), spec.d_model);
  embed(step, model, x);
  if (spec.layer_embedding) layer_inputs.prepare(step, model, x);
  keep_embedding(x);
  probe.embedded(seen(x));
  if (spec.loop) {
    LoopParts<Probe> parts(*this, probe);
    passes.run(step, model, segments, x, parts);
  } else {
    for (std::size_t i = 0; i < spec.layers.size(); ++i) layer<Probe>({i, i}, x, probe);
  }
  for (const Segment& segment : segments) segment.state->advance(segment.tokens.size());
  return x;
}

template <class Probe>
std::span<const float> ForwardPass::Impl::run(std::span<const Segment> segments, Probe probe) {
  const Rows x = run_layers<Probe>(segments, probe);
  if (!std::is_same_v<Probe, NoListener> && !model.spec.has_output) return {};
  const std::span<const float> logits = project(step, model, x);
  probe.finished(logits);
  return logits;
}

ForwardPass::ForwardPass(const Model& model, const KernelTable& kernels, ThreadPool& threads, ForwardOptions options)
    : impl_(std::make_unique<Impl>(model, kernels, threads, options)) {}
ForwardPass::~ForwardPass() = default;

std::span<const float> ForwardPass::operator()(std::span<const Segment> segments) {
  return impl_->run<NoListener>(segments, {});
}

std::span<const float> ForwardPass::hidden_states(std::span<const Segment> segments) {
  return impl_->project.hidden_states(impl_->step, impl_->model, impl_->run_layers<NoListener>(segments, {}));
}

std::span<const std::size_t> ForwardPass::loops() const { return impl_->passes.loops(); }

namespace {

// Tells a listener of layers by the order in which they are gone through, in place of their slots.
class InOrder : public Listener {
 public:
  InOrder(Listener& listener, const std::vector<LayerVisit>& visits) : listener_(listener), order_(visits.size()) {
    for (std::size_t i = 0; i < visits.size(); ++i) order_[visits[i].slot] = i;
  }
  void started() override { listener_.started(); }
  void embedded(RowsView x) override { listener_.embedded(x); }
  void projected(std::size_t slot) override { listener_.projected(order_[slot]); }
  void looked_back(std::size_t slot, const AttentionView& view) override { listener_.looked_back(order_[slot], view); }
  bool watches_scans() const override { return listener_.watches_scans(); }
  void scanned(std::size_t slot, const RecurrenceView* view) override { listener_.scanned(order_[slot], view); }
  void mixed(std::size_t slot, RowsView part) override { listener_.mixed(order_[slot], part); }
  void activated(std::size_t slot, RowsView hidden) override { listener_.activated(order_[slot], hidden); }
  void fed(std::size_t slot, RowsView part) override { listener_.fed(order_[slot], part); }
  void passed(std::size_t slot, RowsView x) override { listener_.passed(order_[slot], x); }
  void finished(std::span<const float> logits) override { listener_.finished(logits); }
  bool watches_loops() const override { return listener_.watches_loops(); }
  void looped(std::size_t loop, std::span<const float> logits, RowsView x, std::span<const float> lambdas) override {
    listener_.looped(loop, logits, x, lambdas);
  }

 private:
  Listener& listener_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::span<const float> ForwardPass::operator()(const Segment& segment, Listener& listener) {
  const ModelSpec& spec = impl_->model.spec;
  if (!spec.loop) return impl_->run<Listener&>(std::span(&segment, 1), listener);
  InOrder in_order(listener, layer_visits(spec, segment.state->loops()));
  return impl_->run<Listener&>(std::span(&segment, 1), in_order);
}

}  // namespace continuo
