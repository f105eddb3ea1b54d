// What a second embedding gives to each layer (Gemma 4): e = (norm(W x / sqrt(d_model)) + scale * row) / sqrt(2), and
// after a layer's two parts x += norm(W_p(act(W_g x) * e)).
#pragma once

#include "layers/step.h"
#include "model/model.h"

namespace continuo {

class LayerInputs {
 public:
  // The inputs of all layers for the rows of the step, of their embeddings x.
  void prepare(Step& step, const Model& model, Rows x);
  // Adds what the layer makes of its input to x.
  void add(Step& step, const Model& model, std::size_t layer, Rows x);

 private:
  Buffer inputs_, gates_, made_;
};

}  // namespace continuo
