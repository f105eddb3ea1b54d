#include "cli/embedding_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/json.h"

namespace continuo {

namespace {

Result<Json> read_json(const ModelFiles& files, const char* name) {
  CONTINUO_TRY(const Blob file, files.open(name));
  return parse_json(file.text(), file.name());
}

struct Mode {
  const char* field;
  Pooling pooling;
};
constexpr auto kModes = std::to_array<Mode>({{"pooling_mode_mean_tokens", Pooling::mean},
                                             {"pooling_mode_cls_token", Pooling::cls},
                                             {"pooling_mode_lasttoken", Pooling::last}});

// Exactly one of the modes that are known.
Result<Pooling> pooling_of(const Json& config, const std::string& file) {
  std::optional<Pooling> found;
  for (const auto& [field, value] : config.items()) {
    if (!field.starts_with("pooling_mode_") || value != true) continue;
    const auto mode =
        std::find_if(kModes.begin(), kModes.end(), [&](const Mode& known) { return field == known.field; });
    if (mode == kModes.end() || found) {
      return model_error(file, fmt::format("'{}' is not supported{}", field, found ? " beside another mode" : ""),
                         "--pooling chooses mean, cls or last");
    }
    found = mode->pooling;
  }
  if (!found) return model_error(file, "names no pooling mode", "--pooling chooses mean, cls or last");
  return *found;
}

}  // namespace

Result<EmbeddingSettings> embedding_settings(const ModelFiles& files) {
  EmbeddingSettings settings;
  if (!files.has("modules.json")) return settings;
  CONTINUO_TRY(const Json modules, read_json(files, "modules.json"));
  const std::string file = files.path_of("modules.json");
  if (!modules.is_array()) return model_error(file, "is no list of modules");
  for (const Json& module : modules) {
    const auto text = [&](const char* field) {
      const auto found = module.is_object() ? module.find(field) : module.end();
      return module.is_object() && found != module.end() && found->is_string() ? found->get<std::string>()
                                                                               : std::string();
    };
    const std::string type = text("type"), kind = type.substr(type.rfind('.') + 1);
    if (kind == "Transformer") continue;
    if (kind == "Normalize") {
      settings.normalize = true;
    } else if (kind == "Pooling" && text("path") == "1_Pooling") {
      const auto folder = std::filesystem::path(file).parent_path() / "1_Pooling";
      CONTINUO_TRY(const ModelFiles pooling, ModelFiles::folder(folder.string()));
      CONTINUO_TRY(const Json config, read_json(pooling, "config.json"));
      CONTINUO_TRY(settings.pooling, pooling_of(config, pooling.path_of("config.json")));
    } else {
      return model_error(file, fmt::format("the module '{}' is not supported", kind.substr(0, 64)),
                         "Transformer, Pooling and Normalize are");
    }
  }
  return settings;
}

}  // namespace continuo
