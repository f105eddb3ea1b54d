// Watching a forward pass. The probed overload (forward.h) computes the same bits by the same kernels as the
// silent one and tells a Listener what stands in the buffers on the way; a listener can read and never write.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/alibi.h"
#include "layers/recurrence_view.h"
#include "model/model.h"
#include "state/sequence_state.h"

namespace continuo {

struct Routing;

// Rows of floats, one per token of the step; valid during the call that hands them out.
struct RowsView {
  const float* data = nullptr;
  std::size_t stride = 0, rows = 0, width = 0;
  std::span<const float> operator[](std::size_t row) const { return {data + row * stride, width}; }
};

// The same for vectors of heads: groups of heads side by side, a stride from group to group.
struct HeadsView {
  const float* data = nullptr;
  std::size_t stride = 0, rows = 0, head_dim = 0, per_group = 0, group_stride = 0;
  std::span<const float> operator()(std::size_t row, std::size_t head) const {
    return {data + row * stride + head / per_group * group_stride + head % per_group * head_dim, head_dim};
  }
};

// One attention layer over the rows of a step, after its heads have looked back.
struct AttentionView {
  const AttentionSpec& spec;
  const KvCache& cache;
  HeadsView queries;                  // as they meet the keys: normalized, turned by their positions
  const AlibiTable* alibi;            // null: no bias for distance
  std::size_t first_position;         // of row 0
  std::span<const float> sinks = {};  // a score of each head that takes its share of the softmax; empty: none
};

// The scores of one row's query and head against the keys at positions [0, keys) of the sequence, later ones
// than the row's own included: scale * q.k, capped, with the head's bias for distance; before any mask and
// before the softmax. In plain loops, for people: the forward pass itself streams and keeps no such row.
std::vector<float> attention_scores(const AttentionView& view, std::size_t row, std::size_t head, std::size_t keys);

// The row at `position` of a causal layer sees the keys at [first_visible, position].
inline std::size_t first_visible(const AttentionSpec& spec, std::size_t position) {
  const std::size_t window = spec.window > 0 ? static_cast<std::size_t>(spec.window) : position + 1;
  return position + 1 - std::min(window, position + 1);
}
// Keys [first, end), of a text of `length` tokens, that the row at `position` sees.
struct VisibleKeys {
  std::size_t first, end;
};
inline VisibleKeys visible_keys(const AttentionSpec& spec, std::size_t position, std::size_t length) {
  if (spec.mask == AttentionSpec::Mask::causal) return {first_visible(spec, position), position + 1};
  const auto window = static_cast<std::size_t>(spec.window);
  if (window == 0) return {0, length};
  return {position > window ? position - window : 0, std::min(length, position + window + 1)};
}

// Calls come in the order in which they stand here, those between the marks once a layer.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;
  virtual void started() {}
  virtual void embedded(RowsView /*x*/) {}  // the residual stream after the input layer
  // ---- each layer ----
  // What looking back starts from is there: queries, keys and values, which are remembered, or a scan's inputs.
  virtual void projected(std::size_t /*layer*/) {}
  virtual void looked_back(std::size_t /*layer*/, const AttentionView& /*view*/) {}
  // What attention's output map takes: the heads' results side by side, gated and normalized where the layer does so.
  virtual void gathered(std::size_t /*layer*/, RowsView /*results*/) {}
  // A recurrent mixer went through the rows. The view is null unless the listener watches scans: it takes copies.
  virtual bool watches_scans() const { return false; }
  virtual void scanned(std::size_t /*layer*/, const RecurrenceView* /*view*/) {}
  virtual void mixed(std::size_t /*layer*/, RowsView /*part*/) {}  // what the mixer adds to the stream
  // What a feed-forward network's hidden layer holds after its activation (and gate); not of experts.
  virtual void activated(std::size_t /*layer*/, RowsView /*hidden*/) {}
  // Which experts the rows were sent to.
  virtual void routed(std::size_t /*layer*/, const Routing& /*routing*/) {}
  virtual void fed(std::size_t /*layer*/, RowsView /*part*/) {}  // what the network adds to the stream
  virtual void passed(std::size_t /*layer*/, RowsView /*x*/) {}  // the residual stream after the block
  // ---- once ----
  virtual void finished(std::span<const float> /*logits*/) {}
  // ---- after each loop of a network that has them ----
  // Layers are counted as they are gone through, loop after loop. `logits`: what the network would say if this loop (from
  // 1) were the last, of the rows that the segment wants; `x`: the residual stream; `lambdas`: see LoopSpec, or empty.
  virtual bool watches_loops() const { return false; }
  virtual void looped(std::size_t /*loop*/, std::span<const float> /*logits*/, RowsView /*x*/,
                      std::span<const float> /*lambdas*/) {}
};

// What the silent pass calls: nothing. Every call disappears in the compiler.
struct NoListener {
  static constexpr void started() {}
  static constexpr void embedded(RowsView) {}
  static constexpr void projected(std::size_t) {}
  static constexpr void looked_back(std::size_t, const AttentionView&) {}
  static constexpr void gathered(std::size_t, RowsView) {}
  static constexpr void mixed(std::size_t, RowsView) {}
  static constexpr void activated(std::size_t, RowsView) {}
  static constexpr void routed(std::size_t, const Routing&) {}
  static constexpr void fed(std::size_t, RowsView) {}
  static constexpr void passed(std::size_t, RowsView) {}
  static constexpr void finished(std::span<const float>) {}
  static constexpr bool watches_loops() { return false; }
  static constexpr void looped(std::size_t, std::span<const float>, RowsView, std::span<const float>) {}
};

// How a mixer tells its probe of its scan: made when the scan's inputs are there, done() when it is over. For
// NoListener there is nothing to tell, and every call disappears in the compiler.
template <class Probe, class View>
class ScanReport {
 public:
  // `args`: of the view, which is made only for a listener that wants to see it.
  template <class... Args>
  ScanReport(Probe probe, std::size_t layer, const Args&... args) : probe_(probe), layer_(layer) {
    probe_.projected(layer);
    if (probe_.watches_scans()) view_.emplace(args...);
  }
  void keep_values(std::size_t row, std::size_t column, const float* from, std::size_t n) {
    if (view_) view_->keep_values(row, column, from, n);
  }
  void keep_results(std::size_t row, std::size_t column, const float* from, std::size_t n) {
    if (view_) view_->keep_results(row, column, from, n);
  }
  // f(view), if there is one: for what only this kind of view keeps.
  template <class F>
  void with_view(F&& f) {
    if (view_) f(*view_);
  }
  void done() { probe_.scanned(layer_, view_ ? &*view_ : nullptr); }

 private:
  Probe probe_;
  std::size_t layer_;
  std::optional<View> view_;
};

template <class View>
class ScanReport<NoListener, View> {
 public:
  template <class... Args>
  constexpr ScanReport(NoListener, std::size_t, const Args&...) {}
  constexpr void keep_values(std::size_t, std::size_t, const float*, std::size_t) {}
  constexpr void keep_results(std::size_t, std::size_t, const float*, std::size_t) {}
  template <class F>
  constexpr void with_view(F&&) {}
  constexpr void done() {}
};

// Questions to a model's two vocabulary matrices.
class VocabularyProbe {
 public:
  // All must outlive the probe.
  VocabularyProbe(const Model& model, const KernelTable& kernels, ThreadPool& threads)
      : model_(model), kernels_(kernels), threads_(threads) {}

  // The logits that the output layer (last norm included) makes of residual rows: the logit lens
  // (nostalgebraist 2020). `rows`: d_model floats each; returned: vocab_size each.
  std::vector<float> logits(std::span<const float> rows) const;
  // The inner product of a row as wide as the embedding matrix with every row of it; vocab_size.
  std::vector<float> embedding_products(std::span<const float> row) const;
  // A token's row of the embedding matrix, as it is stored.
  std::vector<float> embedding(TokenId token) const;
  // The lengths of all rows of the embedding matrix.
  std::vector<float> embedding_norms() const;
  // The row that is added for a position, learned or sinusoidal; empty where the model adds none.
  std::vector<float> position_row(std::size_t position) const;

 private:
  const Model& model_;
  const KernelTable& kernels_;
  ThreadPool& threads_;
};

}  // namespace continuo
