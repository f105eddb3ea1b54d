// A model: its spec, its weights, and the files' bytes they point into.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/format.h"
#include "model/spec.h"
#include "model/weights.h"

namespace continuo {

struct Checkpoint;

struct TensorUse {  // one tensor of the files and what it became, for `inspect`
  std::string name;
  std::string role;  // "layer 3 attention q"
  Format format;
  std::vector<std::size_t> shape;
  std::size_t bytes;
};

// Tensors of a file that belong to other senses than text, or to another use of the model, and are left alone.
struct LeftOut {
  std::string prefix;  // of their names: "model.visual."
  std::string what;    // "vision tower"
  std::size_t tensors = 0, bytes = 0;
};

struct Model {
  std::string name;
  ModelSpec spec;
  Weights weights;
  std::vector<TensorUse> tensors;
  std::vector<LeftOut> left_out;
  std::size_t weight_bytes = 0;  // stored bytes of all tensors, each once
  std::shared_ptr<const Checkpoint> storage;

  // Stored bytes that will not be read soon: see Blob::release_pages.
  void release_pages(std::span<const std::byte> some) const;
};

// Resolves the family's spec, binds every tensor that the spec implies, checks shapes, refuses what is left
// over.
Result<Model> build_model(Checkpoint checkpoint);

}  // namespace continuo
