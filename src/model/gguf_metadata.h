// Reading the metadata and the list of tensors of a GGUF file, for gguf.cpp and for what families do otherwise.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "io/checkpoint.h"

namespace continuo {

// "general.architecture"; empty if it is missing or no string.
std::string gguf_architecture(const Checkpoint& file);

// Keys stand behind "ARCHITECTURE.". The value; null if it is absent.
const Json* gguf_value(const Checkpoint& file, std::string_view key);
// Whether it is a list of values, one for each layer, that are not all the same.
bool gguf_differs(const Checkpoint& file, std::string_view key);
// A number or a truth value, or null; a list of one for each layer must be of equal ones.
Result<const Json*> gguf_plain(const Checkpoint& file, std::string_view key);
Result<std::optional<double>> gguf_number(const Checkpoint& file, std::string_view key);
// An error about a key.
Error gguf_wrong(const Checkpoint& file, std::string_view key, std::string_view what, std::string hint = {});

// A whole number from `least` to HyperParameters::kLargest, which must be there.
Result<int> gguf_whole(const Checkpoint& file, std::string_view key, int least = 1);
// A list of whole numbers (or truth values, as 0 and 1), one for each layer; one number stands for all layers.
Result<std::vector<int>> gguf_by_layer(const Checkpoint& file, std::string_view key);
// The rows of a matrix, which must be there.
Result<int> gguf_rows(const Checkpoint& file, const std::string& name);
// Whether some layer has a tensor of that name.
bool gguf_stored_somewhere(const Checkpoint& file, std::string_view name);

// Whether there is a tensor of that name; of that name in a layer, behind "blk.LAYER.".
bool gguf_stored(const Checkpoint& file, const std::string& name);
bool gguf_stored(const Checkpoint& file, std::size_t layer, std::string_view name);

// A plain value under another name: config[field] = value of the key, where it is there.
Result<void> gguf_copy(const Checkpoint& file, std::string_view key, Json& config, const char* field);
// "attention.sliding_window" as "sliding_window"; 0 becomes null.
Result<void> gguf_copy_window(const Checkpoint& file, Json& config);
// "attention.sliding_window_pattern", a list with a truth value for each layer, as "layer_types".
void gguf_copy_layer_types(const Checkpoint& file, Json& config);

}  // namespace continuo
