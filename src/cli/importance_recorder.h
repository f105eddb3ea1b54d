// What goes into the matrices of a model while it reads a text: sums of squares of each input (io/importance_matrix.h).
// The kernels' table is the place to look: products are recorded, and computed as ever.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/error.h"
#include "io/importance_matrix.h"
#include "model/model.h"

namespace continuo {

class ImportanceRecorder {
 public:
  // `model` comes from a GGUF file and outlives this. One recorder at a time is at work in a process.
  ImportanceRecorder(const Model& model, int threads);
  ~ImportanceRecorder();
  ImportanceRecorder(const ImportanceRecorder&) = delete;
  ImportanceRecorder& operator=(const ImportanceRecorder&) = delete;

  // A text of its own, of as many tokens as the model's context holds at the most.
  void read(std::span<const TokenId> ids);
  // Of all texts so far; an error that names a tensor whose inputs are no finite numbers.
  Result<ImportanceMatrix> matrix() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
