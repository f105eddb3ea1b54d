// A model with something taken out: the same files' weights, another spec or a few other matrices. The forward pass is
// the ordinary one.
#pragma once

#include <map>

#include "explain/recording.h"
#include "model/model.h"

namespace continuo::explain {

class ChangedModel {
 public:
  explicit ChangedModel(const Model& model) : model_(model) {}
  ChangedModel(const ChangedModel&) = delete;
  ChangedModel& operator=(const ChangedModel&) = delete;

  const Model& model() const { return model_; }
  // What the layer's parts add counts as nothing; or as it did.
  void leave_out_layer(std::size_t layer);
  // The head's result is nothing to the output map, whose weights become floats.
  void leave_out_head(std::size_t layer, std::size_t head);
  // As it was.
  void restore();
  // Every token sees all others.
  void take_mask_away();

  // Whether single heads of a layer can be left out: its mixer is attention, or has it on one norm with others.
  static bool has_own_heads(const MixerSpec& mixer);

 private:
  struct Changed {
    std::size_t layer;
    float residual_scale;
    Matrix out;
  };
  Model model_;
  std::vector<Changed> changed_;
  std::map<std::size_t, Grid> floats_;  // output maps by layer
  Grid without_;                        // the one in use
};

}  // namespace continuo::explain
