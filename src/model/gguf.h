// The border for GGUF files: the names for a model's numbers and tensors that all architectures share. What a family
// does otherwise stands in its own file.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "model/families.h"
#include "model/spec.h"
#include "model/tensor_names.h"

namespace continuo {

// The family of a file, by its architecture; an error that names it if there is no family for it.
Result<const Family*> gguf_family(const Checkpoint& file);

// The metadata as the hyper-parameters that the family reads.
Result<Json> gguf_hyper_parameters(const Family& family, const Checkpoint& file);

// The names of all tensors, those that differ first.
std::vector<TensorName> gguf_tensor_names(const Family& family);
extern const std::span<const std::string_view> kGgufIgnoredTensors;

// What the file stores otherwise than a family expects: which biases there are is said by their being there, queries,
// keys and values stand one after the other, and norms' weights are whole.
void follow_gguf(const Checkpoint& file, ModelSpec& spec);

}  // namespace continuo
