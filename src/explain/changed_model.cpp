#include "explain/changed_model.h"

#include <algorithm>

#include "explain/dense.h"

namespace continuo::explain {

bool ChangedModel::has_own_heads(const MixerSpec& mixer) {
  return attention_in(mixer) && !std::holds_alternative<SharedBlockSpec>(mixer);
}

void ChangedModel::leave_out_layer(std::size_t layer) {
  changed_.push_back({layer, model_.spec.layers[layer].residual_scale, {}});
  model_.spec.layers[layer].residual_scale = 0;
}

void ChangedModel::leave_out_head(std::size_t layer, std::size_t head) {
  Matrix& out = attention_in(model_.weights.layers[layer].mixer)->out.weight;
  changed_.push_back({layer, model_.spec.layers[layer].residual_scale, out});
  const auto [place, added] = floats_.try_emplace(layer);
  if (added) place->second = dense(out);
  without_ = place->second;
  const std::size_t width =
      without_.cols / static_cast<std::size_t>(attention_in(model_.spec.layers[layer].mixer)->n_heads);
  for (std::size_t row = 0; row < without_.rows; ++row) std::fill_n(&without_.at(row, head * width), width, 0.0f);
  out = {.data = reinterpret_cast<const std::byte*>(without_.values.data()),
         .format = Format::f32,
         .rows = without_.rows,
         .cols = without_.cols,
         .stride = without_.cols};
}

void ChangedModel::restore() {
  for (const Changed& change : changed_) {
    model_.spec.layers[change.layer].residual_scale = change.residual_scale;
    if (change.out.data) attention_in(model_.weights.layers[change.layer].mixer)->out.weight = change.out;
  }
  changed_.clear();
}

void ChangedModel::take_mask_away() {
  for (LayerSpec& layer : model_.spec.layers) {
    if (AttentionSpec* const attention = attention_in(layer.mixer)) attention->mask = AttentionSpec::Mask::both_sides;
  }
}

}  // namespace continuo::explain
