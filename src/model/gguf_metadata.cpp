#include "model/gguf_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/family_parts.h"
#include "model/tensor_names.h"

namespace continuo {

std::string gguf_architecture(const Checkpoint& file) {
  const auto it = file.config.find("general.architecture");
  return it != file.config.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const Json* gguf_value(const Checkpoint& file, std::string_view key) {
  file.asked.insert(std::string(key));
  const auto it = file.config.find(fmt::format("{}.{}", gguf_architecture(file), key));
  return it == file.config.end() ? nullptr : &*it;
}

Error gguf_wrong(const Checkpoint& file, std::string_view key, std::string_view what, std::string hint) {
  return model_error(file.config_file, fmt::format("'{}.{}' {}", gguf_architecture(file), key, what), std::move(hint));
}

bool gguf_differs(const Checkpoint& file, std::string_view key) {
  const Json* const value = gguf_value(file, key);
  if (!value || !value->is_array()) return false;
  for (const Json& each : *value) {
    if (each != value->front()) return true;
  }
  return false;
}

Result<const Json*> gguf_plain(const Checkpoint& file, std::string_view key) {
  const Json* value = gguf_value(file, key);
  if (!value) return value;
  if (value->is_array()) {
    if (value->empty()) return gguf_wrong(file, key, "is an empty list");
    for (const Json& each : *value) {
      if (each != value->front())
        return gguf_wrong(file, key, "differs from layer to layer", "such models are not supported");
    }
    value = &value->front();
  }
  if (!value->is_number() && !value->is_boolean()) return gguf_wrong(file, key, "is no number");
  return value;
}

Result<std::optional<double>> gguf_number(const Checkpoint& file, std::string_view key) {
  CONTINUO_TRY(const Json* value, gguf_plain(file, key));
  if (!value) return std::optional<double>{};
  if (!value->is_number()) return gguf_wrong(file, key, "is no number");
  return std::optional<double>{value->get<double>()};
}

Result<int> gguf_whole(const Checkpoint& file, std::string_view key, int least) {
  CONTINUO_TRY(const auto value, gguf_number(file, key));
  if (!value) return gguf_wrong(file, key, "is missing");
  if (!(*value >= least) || *value > HyperParameters::kLargest || *value != std::floor(*value))
    return gguf_wrong(file, key, fmt::format("is {}, expected {} to {}", *value, least, HyperParameters::kLargest));
  return static_cast<int>(*value);
}

Result<std::vector<int>> gguf_by_layer(const Checkpoint& file, std::string_view key) {
  CONTINUO_TRY(const int n_layers, gguf_whole(file, "block_count"));
  if (n_layers > kMaxLayers)
    return gguf_wrong(file, "block_count", fmt::format("is {}, expected 1 to {}", n_layers, kMaxLayers));
  const Json* const list = gguf_value(file, key);
  if (!list || !list->is_array()) {
    CONTINUO_TRY(const int all, gguf_whole(file, key, 0));
    return std::vector<int>(static_cast<std::size_t>(n_layers), all);
  }
  if (list->size() != static_cast<std::size_t>(n_layers))
    return gguf_wrong(file, key,
                      fmt::format("is a list of {}, expected one for each of {} layers", list->size(), n_layers));
  std::vector<int> values;
  for (const Json& item : *list) {
    const bool whole =
        item.is_number_integer() && item.get<double>() >= 0 && item.get<double>() <= HyperParameters::kLargest;
    if (!whole && !item.is_boolean())
      return gguf_wrong(file, key, fmt::format("holds {}, expected whole numbers from 0", item.dump()));
    values.push_back(item.is_boolean() ? item.get<bool>() : item.get<int>());
  }
  return values;
}

Result<int> gguf_rows(const Checkpoint& file, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.shape.size() != 2 ||
      found->second.shape[0] > static_cast<std::size_t>(HyperParameters::kLargest)) {
    return model_error(file.name, fmt::format("tensor '{}' is missing or no matrix", name));
  }
  return static_cast<int>(found->second.shape[0]);
}

bool gguf_stored_somewhere(const Checkpoint& file, std::string_view name) {
  const auto in_layer = [&](const auto& tensor) { return matches(fmt::format("blk.#.{}", name), "", tensor.first); };
  return std::any_of(file.tensors.begin(), file.tensors.end(), in_layer);
}

bool gguf_stored(const Checkpoint& file, const std::string& name) {
  return file.tensors.count(name) > 0 || file.others.count(name) > 0;
}

bool gguf_stored(const Checkpoint& file, std::size_t layer, std::string_view name) {
  return gguf_stored(file, fmt::format("blk.{}.{}", layer, name));
}

Result<void> gguf_copy(const Checkpoint& file, std::string_view key, Json& config, const char* field) {
  CONTINUO_TRY(const Json* value, gguf_plain(file, key));
  if (value) config[field] = *value;
  return {};
}

Result<void> gguf_copy_window(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy(file, "attention.sliding_window", config, "sliding_window"));
  if (config.contains("sliding_window") && config["sliding_window"] == 0) config["sliding_window"] = nullptr;
  return {};
}

void gguf_copy_layer_types(const Checkpoint& file, Json& config) {
  const Json* pattern = gguf_value(file, "attention.sliding_window_pattern");
  if (!pattern || !pattern->is_array()) return;
  Json types = Json::array();
  for (const Json& slides : *pattern) types.push_back(slides == true ? "sliding_attention" : "full_attention");
  config["layer_types"] = std::move(types);
}

}  // namespace continuo
