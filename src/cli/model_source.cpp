#include "cli/model_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "cli/embedded_model.h"
#include "cli/gguf_tokenizer.h"
#include "io/checkpoint.h"
#include "text/tokenizer_files.h"

namespace continuo {

namespace {

namespace fs = std::filesystem;

// Folders of shipped models: beside the installed binary, and in the source tree of one that was built there.
std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(binary.parent_path().parent_path() / "share" / "continuo" / "models");
#ifdef CONTINUO_MODELS_FOLDER
  folders.emplace_back(CONTINUO_MODELS_FOLDER);
#endif
  return folders;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::set<std::string> shipped_names() {
  std::set<std::string> names;
  if (!kEmbeddedModelName.empty()) names.emplace(kEmbeddedModelName);
  for (const fs::path& folder : model_folders()) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (fs::exists(entry->path() / "tokenizer.json", error) ||
          fs::exists(entry->path() / "config.json", error)) {
        names.insert(entry->path().filename().string());
      }
    }
  }
  return names;
}

Result<ModelFiles> embedded_model() {
  const auto files = embedded_model_files();
  return ModelFiles::embedded(std::string(kEmbeddedModelName), {files.begin(), files.end()});
}

Error not_found(const std::string& typed) {
  const std::set<std::string> names = shipped_names();
  const std::string known = names.empty() ? "no models are shipped with this binary"
                                          : fmt::format("shipped models: {}", fmt::join(names, ", "));
  return model_error(typed, "no such folder, and no shipped model of that name", known);
}

Result<ModelFiles> named_model(const std::string& typed) {
  std::error_code error;
  if (is_folder(typed)) return ModelFiles::folder(typed);
  if (typed.ends_with(".gguf")) return ModelFiles::gguf(typed);
  if (fs::exists(typed, error)) {
    return model_error(typed, "is a file, expected a .gguf file or a folder with config.json, tokenizer.json and the weights",
                       "give the folder it is in");
  }
  if (typed.find('/') != std::string::npos)
    return ModelFiles::folder(typed);  // its error says what is missing
  if (!kEmbeddedModelName.empty() && typed == kEmbeddedModelName) return embedded_model();
  for (const fs::path& folder : model_folders()) {
    if (is_folder(folder / typed)) return ModelFiles::folder((folder / typed).string());
  }
  return not_found(typed);
}

}  // namespace

Result<ModelFiles> find_model(const std::string& typed) {
  if (!typed.empty()) return named_model(typed);
  if (const char* variable = std::getenv("CONTINUO_MODEL"); variable && *variable)
    return named_model(variable);
  if (!kEmbeddedModelName.empty()) return embedded_model();
  return model_error("", "no model is given, and none is inside this binary", "give one with --model FOLDER");
}

Result<Model> load_model(const ModelFiles& files) {
  CONTINUO_TRY(Checkpoint checkpoint, load_checkpoint(files));
  return build_model(std::move(checkpoint));
}

bool has_tokenizer(const ModelFiles& files) {
  if (const auto* parts = files.gguf()) return has_gguf_tokenizer(parts->front());
  return std::ranges::any_of(vocabulary_file_names(), [&](std::string_view name) { return files.has(name); });
}

Result<Tokenizer> load_tokenizer(const ModelFiles& files) {
  if (const auto* parts = files.gguf()) return read_gguf_tokenizer(parts->front());
  if (!has_tokenizer(files)) {  // its error says what is missing
    if (auto blob = files.open("tokenizer.json"); !blob) return std::move(blob).error();
  }
  return load_tokenizer([&](std::string_view name) -> Result<std::optional<TokenizerFile>> {
    if (!files.has(name)) return std::optional<TokenizerFile>();
    CONTINUO_TRY(Blob blob, files.open(name));
    const std::string_view bytes = blob.text();
    return std::optional(TokenizerFile{bytes, std::make_shared<Blob>(std::move(blob)), files.path_of(name)});
  });
}

Result<std::vector<TokenId>> encode_prompt(const Tokenizer& tokenizer, const Model& model,
                                           std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text, true);
  for (const TokenId id : ids) {
    if (id < model.spec.vocab_size) continue;
    return model_error(model.name,
                       fmt::format("the tokenizer gives token id {}, the model has {} tokens", id,
                                   model.spec.vocab_size),
                       "do the files belong to the same model?");
  }
  return ids;
}

}  // namespace continuo
