// Tensors by their names in the files -> weights by their roles.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/model.h"
#include "model/spec.h"
#include "model/tensor_names.h"
#include "model/weights.h"

namespace continuo {

struct Checkpoint;
struct OtherPart;

// Of a checkpoint of several senses: what stands before names that have no "*", and whose tensors are left alone.
struct TextPart {
  std::string_view outer = {};
  std::span<const OtherPart> others = {};
};

struct BoundWeights {
  Weights weights;
  std::vector<TensorUse> tensors;  // in the order in which a token meets them
  std::size_t bytes = 0;           // of the tensors that are computed with, each once
  std::vector<LeftOut> left_out;
};

// Demands every tensor that `spec` implies, checks its shape, and refuses tensors that no role asked for and
// the names do not list as ignored, and `text` not as others'. The views point into `checkpoint`.
Result<BoundWeights> bind_weights(const TensorNames& names, const ModelSpec& spec, const Checkpoint& checkpoint,
                                  const TextPart& text = {});

}  // namespace continuo
