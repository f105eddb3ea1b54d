#include "loading/model_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <vector>

#include "io/checkpoint.h"
#include "loading/embedded_model.h"
#include "loading/gguf_tokenizer.h"
#include "loading/hub_cache.h"
#include "text/tokenizer_files.h"

namespace continuo {

namespace {

namespace fs = std::filesystem;

// Folders of models that come with the binary: beside it, where it was installed, and in the source tree of one that was
// built there.
std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back(binary.parent_path() / "models");
    folders.push_back(binary.parent_path().parent_path() / "share" / "continuo" / "models");
  }
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
  for (const EmbeddedModel& model : embedded_models()) names.emplace(model.name);
  for (const fs::path& folder : model_folders()) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (fs::exists(entry->path() / "tokenizer.json", error) || fs::exists(entry->path() / "config.json", error)) {
        names.insert(entry->path().filename().string());
      }
    }
  }
  return names;
}

ModelFiles files_of(const EmbeddedModel& model) {
  return ModelFiles::embedded(std::string(model.name), {model.files.begin(), model.files.end()});
}

// At most so many names stand in a message.
constexpr std::size_t kNamesShown = 12;

template <class Names>
std::string listed(const Names& names) {
  const std::vector<std::string> shown(names.begin(), std::next(names.begin(), std::min(names.size(), kNamesShown)));
  const std::string more = names.size() > kNamesShown ? fmt::format(" and {} more", names.size() - kNamesShown) : "";
  return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

Error not_found(const std::string& typed) {
  const std::set<std::string> shipped = shipped_names();
  const std::string cache = hub_cache();
  std::string known = shipped.empty() ? "no models are shipped with this binary" : "shipped models: " + listed(shipped);
  std::error_code error;
  if (cache.empty()) {
    known += "; where the Hugging Face cache is, neither HF_HOME nor HOME says";
  } else if (!fs::is_directory(cache, error)) {
    known += fmt::format("; there is no Hugging Face cache {}", cache);
    if (cache.find('$') != cache.npos) known += ", in whose name a variable is not set";
  } else {
    const std::vector<std::string> cached = hub_cache_models();
    known += cached.empty() ? fmt::format("; the Hugging Face cache {} holds none", cache)
                            : fmt::format("; in the Hugging Face cache {}: {}", cache, listed(cached));
  }
  const bool may_be_on_hub = std::ranges::count(typed, '/') == 1;
  if (may_be_on_hub) known += fmt::format("; `continuo pull {}` fetches one from the hub", typed);
  return model_error(typed, "no such folder or file, and no model of that name", known);
}

// Of X-00001-of-00003.gguf and the like all but the first, which stands for all.
bool is_later_part(std::string_view name) {
  constexpr std::string_view kPattern = "-#####-of-#####.gguf";
  if (name.size() < kPattern.size()) return false;
  const std::string_view end = name.substr(name.size() - kPattern.size());
  const auto matches = [](char expected, char c) { return expected == '#' ? c >= '0' && c <= '9' : c == expected; };
  return std::equal(kPattern.begin(), kPattern.end(), end.begin(), matches) && !end.starts_with("-00001-");
}

// A folder is a model of its own files; where it has no such weights, of the GGUF file that is there.
Result<ModelFiles> model_in(const std::string& folder) {
  CONTINUO_TRY(ModelFiles files, ModelFiles::folder(folder));
  std::vector<std::string> ggufs;
  for (const std::string& name : files.list()) {
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name == "model.json")
      return files;
    if (name.ends_with(".gguf") && !is_later_part(name)) ggufs.push_back(name);
  }
  if (ggufs.size() == 1) return ModelFiles::gguf(files.path_of(ggufs.front()));
  if (ggufs.empty() || has_tokenizer(files)) return files;
  return model_error(folder, fmt::format("holds {} GGUF models, expected one", ggufs.size()),
                     "give the path of the one that is meant: " + listed(ggufs));
}

// A model by its name: shipped ones first.
Result<ModelFiles> model_of_name(const std::string& typed) {
  for (const EmbeddedModel& model : embedded_models()) {
    if (typed == model.name) return files_of(model);
  }
  if (typed.find('/') == typed.npos) {
    for (const fs::path& folder : model_folders()) {
      if (is_folder(folder / typed)) return model_in((folder / typed).string());
    }
  }
  if (const std::optional<HubName> name = hub_name(typed)) {
    CONTINUO_TRY(const std::optional<std::string> folder, find_in_hub_cache(*name));
    if (folder) return model_in(*folder);
    return not_found(typed);
  }
  return ModelFiles::folder(typed);  // a path; its error says what is wrong with it
}

Result<ModelFiles> named_model(const std::string& typed) {
  std::error_code error;
  if (is_folder(typed)) return model_in(typed);
  if (typed.ends_with(".gguf")) return ModelFiles::gguf(typed);
  if (fs::exists(typed, error)) {
    return model_error(typed,
                       "is a file, expected a .gguf file or a folder with config.json, tokenizer.json and the weights",
                       "give the folder it is in");
  }
  return model_of_name(typed);
}

}  // namespace

Result<ModelFiles> find_model(const std::string& typed) {
  if (!typed.empty()) return named_model(typed);
  if (const char* variable = std::getenv("CONTINUO_MODEL"); variable && *variable) return named_model(variable);
  if (!embedded_models().empty()) return files_of(embedded_models().front());
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

Result<void> check_vocabulary(const Model& model, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    if (id < model.spec.vocab_size) continue;
    return model_error(
        model.name, fmt::format("the tokenizer gives token id {}, the model has {} tokens", id, model.spec.vocab_size),
        "do the files belong to the same model?");
  }
  return {};
}

Result<std::vector<TokenId>> encode_prompt(const Tokenizer& tokenizer, const Model& model, std::string_view text) {
  CONTINUO_TRY(std::vector<TokenId> ids, tokenizer.try_encode(text, true));
  CONTINUO_TRY_VOID(check_vocabulary(model, ids));
  return ids;
}

}  // namespace continuo
