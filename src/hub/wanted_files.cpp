// Which of a model's files are fetched.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "hub/listing.h"
#include "text/tokenizer_files.h"

namespace continuo::hub {

namespace {

constexpr std::string_view kIndex = "model.safetensors.index.json", kWeights = "model.safetensors";
// Beside the vocabulary's own files.
constexpr std::array<std::string_view, 9> kSmallFiles = {
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "merges.txt",  "chat_template.jinja",    "modules.json",          "1_Pooling/config.json"};

bool has(const Listing& listing, std::string_view name) {
  return std::ranges::any_of(listing.files, [&](const HubFile& file) { return file.name == name; });
}

// "X-00002-of-00003.SUFFIX": where its number begins; npos if it is no such name.
std::size_t part_number(std::string_view name, std::string_view suffix) {
  constexpr std::string_view kPattern = "-#####-of-#####";
  if (!name.ends_with(suffix) || name.size() < kPattern.size() + suffix.size()) return name.npos;
  const std::size_t begin = name.size() - suffix.size() - kPattern.size();
  for (std::size_t i = 0; i < kPattern.size(); ++i) {
    const char c = name[begin + i];
    if (kPattern[i] == '#' ? c < '0' || c > '9' : c != kPattern[i]) return name.npos;
  }
  return begin;
}

// A GGUF model's name: that of all its parts.
std::string gguf_model(std::string_view name) { return std::string(name.substr(0, part_number(name, ".gguf"))); }

// The weights of the one GGUF model that there is.
Result<std::vector<HubFile>> gguf_files(const Listing& listing, const std::string& name) {
  std::vector<std::string> models;
  std::vector<HubFile> files;
  for (const HubFile& file : listing.files) {
    if (!file.name.ends_with(".gguf")) continue;
    files.push_back(file);
    if (const std::string model = gguf_model(file.name); std::ranges::find(models, model) == models.end()) {
      models.push_back(model);
    }
  }
  if (models.size() == 1) return files;
  if (models.empty()) {
    return model_error(name, "has no weights that continuo reads: neither model.safetensors nor a .gguf file");
  }
  constexpr std::size_t kShown = 30;
  const std::string more = models.size() > kShown ? ", ..." : "";
  models.resize(std::min(models.size(), kShown));
  return usage_error(fmt::format("{} has several GGUF models", name),
                     fmt::format("name one with --include: {}{}", fmt::join(models, ", "), more));
}

}  // namespace

Result<std::vector<HubFile>> wanted_files(const Listing& listing, const std::string& name) {
  const bool in_parts = has(listing, kIndex), whole = has(listing, kWeights);
  std::vector<HubFile> files;
  if (!in_parts && !whole) {
    CONTINUO_TRY(files, gguf_files(listing, name));
  }
  const auto is_wanted = [&](const HubFile& file) {
    const auto is_name = [&](std::string_view small) { return file.name == small; };
    if (std::ranges::any_of(kSmallFiles, is_name) || std::ranges::any_of(vocabulary_file_names(), is_name)) return true;
    if (whole) return file.name == kWeights;
    return in_parts &&
           (file.name == kIndex || (file.name.find('/') == file.name.npos && file.name.starts_with("model-") &&
                                    part_number(file.name, ".safetensors") != file.name.npos));
  };
  std::ranges::copy_if(listing.files, std::back_inserter(files), is_wanted);
  return files;
}

Result<std::vector<HubFile>> matching_files(const Listing& listing, const std::vector<std::string>& patterns) {
  std::vector<HubFile> files;
  const auto matches = [&](const HubFile& file) {
    return std::ranges::any_of(patterns, [&](std::string pattern) {
      if (pattern.ends_with('/')) pattern += '*';  // a folder is all that is in it
      return fnmatch(pattern.c_str(), file.name.c_str(), 0) == 0;
    });
  };
  std::ranges::copy_if(listing.files, std::back_inserter(files), matches);
  if (!files.empty()) return files;
  constexpr std::size_t kShown = 30;
  std::vector<std::string> names;
  for (const HubFile& file : listing.files) {
    if (names.size() < kShown) names.push_back(file.name);
  }
  return usage_error(fmt::format("--include '{}' matches no file of the model", fmt::join(patterns, "', '")),
                     fmt::format("it has {}{}", fmt::join(names, ", "), listing.files.size() > kShown ? ", ..." : ""));
}

}  // namespace continuo::hub
