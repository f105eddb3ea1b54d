// The border for GGUF files: their names for a model's numbers and tensors, and what they store otherwise than the families'
// own files do, in one place for all families.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "model/spec.h"
#include "model/tensor_names.h"

namespace continuo {

struct Checkpoint;

struct GgufArchitecture {
  std::string_view name;    // general.architecture
  std::string_view family;  // the model_type of the family that computes it
  // Rows 2i and 2i + 1 of each head's queries and keys are the family's rows i and i + head_dim / 2.
  bool paired_heads;
  // What differs from the names and numbers that all architectures share.
  std::span<const TensorName> names;
  Result<void> (*adapt)(const Checkpoint& file, Json& config);
};

// The architecture of a file, whose metadata is `config`; an error that names it if there is no family for it.
Result<const GgufArchitecture*> gguf_architecture(const Checkpoint& file);

// The metadata as the hyper-parameters that the family reads.
Result<Json> gguf_hyper_parameters(const GgufArchitecture& architecture, const Checkpoint& file);

// The names of all tensors, those that differ first.
std::vector<TensorName> gguf_tensor_names(const GgufArchitecture& architecture);
extern const std::span<const std::string_view> kGgufIgnoredTensors;

// What the file stores otherwise than a family expects: which biases there are is said by their being there, queries, keys and
// values stand one after the other, and norms' weights are whole.
void follow_gguf(const Checkpoint& file, ModelSpec& spec);

}  // namespace continuo
