#include "model/gguf_metadata.h"

#include <fmt/format.h>

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
