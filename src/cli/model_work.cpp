#include "cli/model_work.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo {

namespace {

double stored(const Matrix& m) { return static_cast<double>(stored_bytes(m.format, m.rows * m.cols)); }

// Collects maps into groups.
class Groups {
 public:
  void add(const Linear& map, double share = 1, bool output = false) {
    const Matrix& m = map.weight;
    if (!m.data) return;
    for (MapGroup& group : groups_) {
      const Matrix& other = group.matrix();
      if (other.rows == m.rows && other.cols == m.cols && other.format == m.format && other.layout == m.layout &&
          group.share == share && group.output == output) {
        group.maps.push_back(&map);
        return;
      }
    }
    groups_.push_back({{&map}, share, output});
  }

  void add(const FeedForwardWeights& w, double share = 1) {
    add(w.gate, share);
    add(w.up, share);
    add(w.down, share);
  }

  void add(const AttentionWeights& w, const AttentionSpec&) {
    add(w.q);
    add(w.k);
    add(w.v);
    add(w.qkv);
    add(w.out);
  }

  void add(const FeedForwardWeights& w, const FeedForwardSpec&) { add(w); }

  void add(const ExpertsWeights& w, const ExpertsSpec& spec) {
    add(w.router);
    const double share = static_cast<double>(spec.n_active) / static_cast<double>(w.experts.size());
    for (const FeedForwardWeights& expert : w.experts) add(expert, share);
    add(w.shared);
    add(w.shared_gate);
  }

  std::vector<MapGroup> take() { return std::move(groups_); }

 private:
  std::vector<MapGroup> groups_;
};

template <class Kind>
void add_layer(Groups& groups, const auto& weights, const auto& spec) {
  if (const auto* w = std::get_if<Kind>(&weights)) {
    std::visit([&](const auto& s) {
      if constexpr (requires { groups.add(*w, s); }) groups.add(*w, s);
    }, spec);
  }
}

}  // namespace

double MapGroup::bytes() const { return share * static_cast<double>(maps.size()) * stored(matrix()); }
double MapGroup::operations() const {
  return 2 * share * static_cast<double>(maps.size()) * static_cast<double>(matrix().rows) *
         static_cast<double>(matrix().cols);
}
std::string MapGroup::name() const {
  const Matrix& m = matrix();
  return fmt::format("{} x {} x {} {}{}", maps.size(), m.rows, m.cols, format_info(m.format).name,
                     m.layout == Layout::in_major ? " in_major" : "");
}
bool MapGroup::integer(const KernelTable& kernels) const {
  return kernels.int8 && matrix().layout == Layout::out_major &&
         kernels.int8->matmul[static_cast<std::size_t>(matrix().format)];
}

std::vector<MapGroup> map_groups(const Model& model) {
  Groups groups;
  const Weights& weights = model.weights;
  groups.add(weights.widen);
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& layer = weights.layers[i];
    const LayerSpec& spec = model.spec.layers[i];
    add_layer<AttentionWeights>(groups, layer.mixer, spec.mixer);
    add_layer<FeedForwardWeights>(groups, layer.feed, spec.feed);
    add_layer<ExpertsWeights>(groups, layer.feed, spec.feed);
  }
  groups.add(weights.narrow, 1, true);
  groups.add(weights.output, 1, true);
  return groups.take();
}

double bytes_per_token(const Model& model) {
  double bytes = static_cast<double>(model.weight_bytes);
  if (!model.spec.tied_output) bytes -= stored(model.weights.embedding);
  if (model.weights.learned_positions.data) bytes -= stored(model.weights.learned_positions);
  for (const MapGroup& group : map_groups(model)) bytes -= (1 / group.share - 1) * group.bytes();
  return bytes;
}

}  // namespace continuo
