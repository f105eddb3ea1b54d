#include "loading/hub_cache.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "loading/home_folder.h"

namespace continuo {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr std::string_view kMain = "main";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// What the hub allows in a name; above all no separators, and no name of dots alone.
bool is_name(std::string_view text) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !text.empty() && text.find_first_not_of(allowed) == text.npos && text.find_first_not_of('.') != text.npos &&
         text.front() != '.';
}

// A revision may be a path ("refs/pr/1", "feature/x"); it must stay inside its folder.
bool is_revision(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!is_name(text.substr(0, slash))) return false;
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
  }
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;  // a folder that is missing or unreadable holds nothing for us
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The commit that a ref names; empty if there is no such ref.
Result<std::string> commit_of(const fs::path& ref) {
  std::error_code error;
  if (!fs::is_regular_file(ref, error)) return std::string();
  constexpr std::streamsize kLongest = 256;
  std::array<char, kLongest> text{};
  std::ifstream file(ref, std::ios::binary);
  file.read(text.data(), kLongest);
  std::string commit(text.data(), static_cast<std::size_t>(file.gcount()));
  commit.erase(commit.find_last_not_of(" \r\n") + 1);
  if (is_name(commit)) return commit;
  return model_error(ref.string(), "does not hold the name of a commit", "was the download finished?");
}

}  // namespace

std::string hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string folder = variable(name); !folder.empty()) return expanded_path(folder);
  }
  const std::string home = hub_home();
  return home.empty() ? home : home + "/hub";
}

std::string hub_home() {
  if (const std::string home = variable("HF_HOME"); !home.empty()) return expanded_path(home);
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return expanded_path(cache) + "/huggingface";
  const std::string home = home_folder();
  return home.empty() ? home : home + "/.cache/huggingface";
}

std::string hub_folder_name(std::string_view repository) {
  std::string folder(kPrefix);
  for (const char c : repository) folder += c == '/' ? std::string("--") : std::string(1, c);
  return folder;
}

std::optional<HubName> hub_name(std::string_view typed) {
  HubName name{std::string(typed), std::string(kMain)};
  if (const std::size_t at = typed.find('@'); at != typed.npos) {
    name = {std::string(typed.substr(0, at)), std::string(typed.substr(at + 1))};
    if (!is_revision(name.revision)) return std::nullopt;
  }
  const std::string_view repository = name.repository;
  const std::size_t slash = repository.find('/');
  if (!is_name(repository.substr(0, slash))) return std::nullopt;
  if (slash != repository.npos && !is_name(repository.substr(slash + 1))) return std::nullopt;
  return name;
}

Result<std::optional<std::string>> find_in_hub_cache(const HubName& name) {
  const std::string cache = hub_cache();
  const fs::path model = fs::path(cache) / hub_folder_name(name.repository);
  std::error_code error;
  if (cache.empty() || !fs::is_directory(model, error)) return std::optional<std::string>();
  CONTINUO_TRY(std::string commit, commit_of(model / "refs" / name.revision));
  if (commit.empty() && is_name(name.revision)) commit = name.revision;
  const fs::path snapshot = model / "snapshots" / commit;
  if (!commit.empty() && fs::is_directory(snapshot, error)) return std::optional(snapshot.string());

  if (!commit.empty() && commit != name.revision) {
    return model_error(
        model.string(),
        fmt::format("the cache's revision '{}' is the commit {}, of which it has no snapshot", name.revision, commit),
        "was the download finished?");
  }
  std::vector<std::string> there = names_in(model / "refs");
  const std::vector<std::string> commits = names_in(model / "snapshots");
  there.insert(there.end(), commits.begin(), commits.end());
  return model_error(
      model.string(), fmt::format("the cache has no revision '{}' of {}", name.revision, name.repository),
      there.empty() ? "was the download finished?" : fmt::format("there are: {}", fmt::join(there, ", ")));
}

std::vector<std::string> hub_cache_models() {
  std::vector<std::string> models;
  if (hub_cache().empty()) return models;
  for (const std::string& folder : names_in(hub_cache())) {
    if (!folder.starts_with(kPrefix)) continue;
    const std::string_view name = std::string_view(folder).substr(kPrefix.size());
    const std::size_t separator = name.find("--");
    models.push_back(separator == name.npos
                         ? std::string(name)
                         : fmt::format("{}/{}", name.substr(0, separator), name.substr(separator + 2)));
  }
  return models;
}

}  // namespace continuo
