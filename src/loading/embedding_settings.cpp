#include "loading/embedding_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/json.h"
#include "io/gguf.h"

namespace continuo {

namespace {

constexpr const char* kChoose = "--pooling chooses mean, cls or last";

Result<Json> read_json(const ModelFiles& files, const char* name) {
  CONTINUO_TRY(const Blob file, files.open(name));
  return parse_json(file.text(), file.name());
}

// A member of an object; null where there is none.
Json member(const Json& object, const char* name) { return object.is_object() ? object.value(name, Json()) : Json(); }

struct Mode {
  const char *field, *name;  // of older and of newer files
  Pooling pooling;
};
constexpr auto kModes = std::to_array<Mode>({{"pooling_mode_mean_tokens", "mean", Pooling::mean},
                                             {"pooling_mode_cls_token", "cls", Pooling::cls},
                                             {"pooling_mode_lasttoken", "lasttoken", Pooling::last}});

Result<Pooling> find_mode(std::string_view stated, const char* Mode::*word, const std::string& file) {
  const auto* const mode =
      std::find_if(kModes.begin(), kModes.end(), [&](const Mode& known) { return stated == known.*word; });
  if (mode != kModes.end()) return mode->pooling;
  return model_error(file, fmt::format("the pooling '{}' is not supported", stated.substr(0, 64)), kChoose);
}

// Exactly one mode, one that is known.
Result<Pooling> pooling_of(const Json& config, const std::string& file) {
  if (member(config, "include_prompt") == false) {
    return model_error(file, "'include_prompt' is false, which is not supported", kChoose);
  }
  Json named = member(config, "pooling_mode");
  if (named.is_array() && named.size() == 1) named = Json(named[0]);
  if (named.is_string()) return find_mode(named.get_ref<const std::string&>(), &Mode::name, file);
  std::optional<Pooling> found;
  for (const auto& [field, value] : config.items()) {
    if (!field.starts_with("pooling_mode_") || value != true) continue;
    if (found) return model_error(file, fmt::format("'{}' is not supported beside another mode", field), kChoose);
    CONTINUO_TRY(found, find_mode(field, &Mode::field, file));
  }
  if (!found) return model_error(file, "names no pooling mode", kChoose);
  return *found;
}

Result<void> read_modules(const ModelFiles& files, EmbeddingSettings& settings) {
  CONTINUO_TRY(const Json modules, read_json(files, "modules.json"));
  const std::string file = files.path_of("modules.json");
  if (!modules.is_array()) return model_error(file, "is no list of modules");
  for (const Json& module : modules) {
    const auto text = [&](const char* field) {
      const Json value = member(module, field);
      return value.is_string() ? value.get<std::string>() : std::string();
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
  return {};
}

Result<void> read_transformer(const ModelFiles& files, EmbeddingSettings& settings) {
  constexpr const char* kName = "sentence_bert_config.json";
  if (!files.has(kName)) return {};
  CONTINUO_TRY(const Json config, read_json(files, kName));
  const Json most = member(config, "max_seq_length"), lower = member(config, "do_lower_case");
  if (lower == true) return model_error(files.path_of(kName), "'do_lower_case' is true, which is not supported");
  if (most.is_null()) return {};
  if (!most.is_number_unsigned() || most == 0 || most > (1 << 30)) {
    return model_error(files.path_of(kName),
                       fmt::format("'max_seq_length' is {}, expected a number of tokens", shown_json(most)));
  }
  settings.max_tokens = most.get<std::size_t>();
  return {};
}

Result<void> read_prompt(const ModelFiles& files, EmbeddingSettings& settings) {
  constexpr const char* kName = "config_sentence_transformers.json";
  if (!files.has(kName)) return {};
  CONTINUO_TRY(const Json config, read_json(files, kName));
  const Json name = member(config, "default_prompt_name");
  if (name.is_null()) return {};
  const Json prompt =
      name.is_string() ? member(member(config, "prompts"), name.get_ref<const std::string&>().c_str()) : Json();
  if (!prompt.is_string()) {
    return model_error(files.path_of(kName),
                       fmt::format("'default_prompt_name' is {}, which 'prompts' does not have", shown_json(name)));
  }
  settings.prompt = prompt.get<std::string>();
  return {};
}

// As llama.cpp numbers them: 0 none, 1 mean, 2 the first token, 3 the last.
Result<EmbeddingSettings> gguf_settings(const GgufFile& file) {
  EmbeddingSettings settings;
  CONTINUO_TRY(const auto architecture, file.text("general.architecture"));
  const std::string key = fmt::format("{}.pooling_type", architecture.value_or(""));
  CONTINUO_TRY(const auto type, file.whole(key));
  if (!type || *type == 0) return settings;
  constexpr Pooling kTypes[] = {Pooling::mean, Pooling::cls, Pooling::last};
  if (*type < 1 || *type > 3) {
    return model_error(file.name(), fmt::format("'{}' is {}, which is not supported", key, *type), kChoose);
  }
  settings.pooling = kTypes[*type - 1];
  return settings;
}

}  // namespace

Result<EmbeddingSettings> embedding_text_settings(const ModelFiles& files) {
  EmbeddingSettings settings;
  if (files.gguf() || !files.has("modules.json")) return settings;
  CONTINUO_TRY_VOID(read_transformer(files, settings));
  CONTINUO_TRY_VOID(read_prompt(files, settings));
  return settings;
}

Result<EmbeddingSettings> embedding_settings(const ModelFiles& files) {
  if (files.gguf()) return gguf_settings(files.gguf()->front());
  CONTINUO_TRY(EmbeddingSettings settings, embedding_text_settings(files));
  if (files.has("modules.json")) CONTINUO_TRY_VOID(read_modules(files, settings));
  return settings;
}

}  // namespace continuo
