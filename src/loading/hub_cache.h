// Models that the Hugging Face libraries have downloaded, found where those libraries keep them (the hub's
// "local cache": CACHE/models--ORG--NAME/refs/REVISION holds a commit,
// CACHE/models--ORG--NAME/snapshots/COMMIT the files).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace continuo {

// With ~ and $NAME expanded: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else hub_home()/hub; empty if none of them is set.
// It need not exist.
std::string hub_cache();
// What those libraries keep beside the cache, the token for example, is here: HF_HOME, else XDG_CACHE_HOME/huggingface,
// else ~/.cache/huggingface; empty if none of them is set.
std::string hub_home();
// A model's folder in the cache: "models--org--name".
std::string hub_folder_name(std::string_view repository);

// "name", "org/name", either with "@revision" (a branch, tag or commit; default "main").
struct HubName {
  std::string repository;
  std::string revision;
};
// Nothing if `typed` cannot be such a name (a path, say).
std::optional<HubName> hub_name(std::string_view typed);

// The folder of that model's files; nothing if the cache has no such model. An error if it has the model, but
// not the revision, or what it holds is broken.
Result<std::optional<std::string>> find_in_hub_cache(const HubName& name);

// All models in the cache, sorted: "org/name".
std::vector<std::string> hub_cache_models();

}  // namespace continuo
