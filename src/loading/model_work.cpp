#include "loading/model_work.h"

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

  // `expert_share`: of an expert's maps, how many of the tokens go through each.
  void add_all(const auto& weights, double expert_share = 1) {
    for_each_linear(weights,
                    [&](const Linear& map, MapInput input) { add(map, input == MapInput::expert ? expert_share : 1); });
  }

  std::vector<MapGroup> take() { return std::move(groups_); }

 private:
  std::vector<MapGroup> groups_;
};

double expert_share(const FfnSpec& ffn) {
  const auto* experts = std::get_if<ExpertsSpec>(&ffn);
  return experts ? static_cast<double>(experts->n_active) / static_cast<double>(experts->n_experts) : 1;
}

void add_layer(const Model& model, std::size_t layer, Groups& groups) {
  groups.add_all(model.weights.layers[layer].mixer);
  groups.add_all(model.weights.layers[layer].ffn, expert_share(model.spec.layers[layer].ffn));
}

// What is read again of layers that are gone through more than once.
double bytes_read_again(const Model& model) {
  Groups again;
  std::vector<bool> read(model.spec.layers.size());
  for (const LayerVisit& visit : layer_visits(model.spec)) {
    if (read[visit.layer]) add_layer(model, visit.layer, again);
    read[visit.layer] = true;
  }
  double bytes = 0;
  for (const MapGroup& group : again.take()) bytes += group.bytes() / group.share;
  return bytes;
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
                     m.layout == Layout::transposed ? " in_major" : "");
}
bool MapGroup::integer(const KernelTable& kernels) const {
  return kernels.int8 && matrix().layout == Layout::row_major &&
         kernels.int8->matmul[static_cast<std::size_t>(matrix().format)];
}

std::vector<MapGroup> map_groups(const Model& model) {
  Groups groups;
  const Weights& weights = model.weights;
  groups.add(weights.project_in);
  for (const LayerVisit& visit : layer_visits(model.spec)) add_layer(model, visit.layer, groups);
  groups.add(weights.project_out, 1, true);
  groups.add(weights.output, 1, true);
  return groups.take();
}

double bytes_per_token(const Model& model) {
  double bytes = static_cast<double>(model.weight_bytes) + bytes_read_again(model);
  if (!model.spec.tied_output) bytes -= stored(model.weights.embedding);
  if (model.weights.learned_positions.data) bytes -= stored(model.weights.learned_positions);
  for (const MapGroup& group : map_groups(model)) bytes -= (1 / group.share - 1) * group.bytes();
  return bytes;
}

}  // namespace continuo
