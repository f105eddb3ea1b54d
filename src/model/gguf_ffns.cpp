// Feed-forward parts on their way into a GGUF file.
#include "model/gguf_parts.h"

namespace continuo {

namespace {

MapRows times(MapRows rows, float scale) {
  if (scale == 1 || !rows.row) return rows;
  return scaled(std::move(rows), [scale](std::size_t) { return scale; });
}

void export_part(PartExporter& exporter, const TensorPlace& place, const FeedForwardSpec& spec,
                 const FeedForwardWeights& weights) {
  const bool folds = exporter.gguf().folds_scales;
  const float gate_scale = folds ? spec.gate_scale : 1;
  MapRows gate = times(rows_of(weights.gate), gate_scale);
  MapRows up = times(rows_of(weights.up), gate.row ? 1 : gate_scale);
  if (gate.row && exporter.named(Role::ffn_gate_up)) {
    exporter.map(Role::ffn_gate_up, Role::ffn_gate_up_bias, place, joined({std::move(gate), std::move(up)}));
  } else {
    exporter.map(Role::ffn_gate, Role::ffn_gate_bias, place, gate);
    exporter.map(Role::ffn_up, Role::ffn_up_bias, place, up);
  }
  exporter.map(Role::ffn_down, Role::ffn_down_bias, place, times(rows_of(weights.down), folds ? spec.down_scale : 1));
  exporter.norm(Role::ffn_inner_norm, Role::ffn_inner_norm, place, spec.inner_norm, weights.inner_norm);
}

// The biases of all experts' maps in one tensor.
void export_biases(PartExporter& exporter, Role role, const TensorPlace& place, const std::vector<MapRows>& maps) {
  std::vector<float> all;
  for (const MapRows& map : maps) all.insert(all.end(), map.bias.begin(), map.bias.end());
  exporter.values(role, place, {maps.size(), maps.front().rows}, std::move(all));
}

void export_part(PartExporter& exporter, const TensorPlace& place, const ExpertsSpec& spec,
                 const ExpertsWeights& weights) {
  exporter.map(Role::router, Role::router_map_bias, place, rows_of(weights.router));
  exporter.values(Role::router_bias, place, {weights.selection_bias.size()}, weights.selection_bias);
  std::vector<MapRows> gates, ups, downs;
  for (const FeedForwardWeights& expert : weights.experts) {
    gates.push_back(rows_of(expert.gate));
    ups.push_back(rows_of(expert.up));
    downs.push_back(rows_of(expert.down));
  }
  exporter.stack(Role::expert_gate, place, gates);
  exporter.stack(Role::expert_up, place, ups);
  exporter.stack(Role::expert_down, place, downs);
  export_biases(exporter, Role::expert_gate_bias, place, gates);
  export_biases(exporter, Role::expert_up_bias, place, ups);
  export_biases(exporter, Role::expert_down_bias, place, downs);
  if (!spec.shared) return;
  exporter.map(Role::shared_gate, place, rows_of(weights.shared.gate));
  exporter.map(Role::shared_up, place, rows_of(weights.shared.up));
  exporter.map(Role::shared_down, place, rows_of(weights.shared.down));
  if (!weights.shared_gate.weight.data) return;
  // One row, which these files have as a vector.
  std::vector<float> gate(weights.shared_gate.weight.cols);
  rows_of(weights.shared_gate).row(0, gate.data());
  exporter.values(Role::shared_router, place, {1, gate.size()}, gate);
}

void export_part(PartExporter& exporter, const TensorPlace& place, const ChannelMixSpec&,
                 const ChannelMixWeights& weights) {
  exporter.values(Role::channel_mix_k, place, {1, 1, weights.mix_k.size()}, weights.mix_k);
  exporter.values(Role::channel_mix_r, place, {1, 1, weights.mix_r.size()}, weights.mix_r);
  exporter.map(Role::channel_key, place, rows_of(weights.key));
  exporter.map(Role::channel_value, place, rows_of(weights.value));
  exporter.map(Role::channel_receptance, place, rows_of(weights.receptance));
}

}  // namespace

void export_ffn(PartExporter& exporter, const TensorPlace& place, const FfnSpec& spec, const FfnWeights& weights) {
  std::visit(
      [&](const auto& kind, const auto& bound) {
        if constexpr (requires { export_part(exporter, place, kind, bound); })
          export_part(exporter, place, kind, bound);
      },
      spec, weights);
}

}  // namespace continuo
