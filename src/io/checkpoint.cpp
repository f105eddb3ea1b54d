#include "io/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "io/gguf.h"
#include "base/json.h"

namespace continuo {

namespace {

constexpr std::string_view kSafetensors = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::string_view kJson = "model.json";

Result<Json> read_object(const ModelFiles& files, std::string_view name) {
  CONTINUO_TRY(const Blob blob, files.open(name));
  CONTINUO_TRY(Json value, parse_json(blob.text(), blob.name(), JsonDialect::python));
  if (!value.is_object()) {
    return model_error(blob.name(), fmt::format("the file holds {}, expected an object", value.type_name()));
  }
  return value;
}

constexpr const char* kGiveTheFile = "to use the GGUF file that is there, give its own path";
constexpr const char* kUnfinished = "was the download finished?";

// Other layouts that models are published in, by what is in their folders, and what to do about them.
struct OtherLayout {
  std::string_view start, end;  // of a file's name
  const char* hint;
};
constexpr OtherLayout kOtherLayouts[] = {
    {"adapter_config", ".json",
     "an adapter is not a model; merge it into its base model (with PEFT: merge_and_unload, save_pretrained)"},
    {"adapter_model", "",
     "an adapter is not a model; merge it into its base model (with PEFT: merge_and_unload, save_pretrained)"},
    {"consolidated", "",
     "consolidated* and params.json are in the makers' own layout; take the folder in that of transformers"},
    {"params", ".json",
     "consolidated* and params.json are in the makers' own layout; take the folder in that of transformers"},
    {"original", "", "original/ is in the makers' own layout; download the *.safetensors beside it as well"},
};

const OtherLayout* other_layout(const std::vector<std::string>& names) {
  for (const OtherLayout& layout : kOtherLayouts) {
    for (const std::string& name : names) {
      if (name.starts_with(layout.start) && name.ends_with(layout.end)) return &layout;
    }
  }
  return nullptr;
}

// Why there may be no weights that can be read, from what else the folder holds.
std::string weights_hint(const ModelFiles& files) {
  const std::vector<std::string> names = files.list();
  const auto any = [&](std::string_view start, std::string_view end) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& n) { return n.starts_with(start) && n.ends_with(end); });
  };
  if (any("model-", ".safetensors")) return fmt::format("there are parts, but no {} that lists them", kIndex);
  if (const OtherLayout* layout = other_layout(names)) return layout->hint;
  if (any("", ".safetensors")) return "a .safetensors file of another name is not read; is it the model?";
  if (any("pytorch_model", ".bin") || any("", ".pt") || any("", ".pth")) {
    return "PyTorch's own files are not read; convert them to safetensors (with transformers: from_pretrained, save_pretrained)";
  }
  if (any("", ".gguf")) return kGiveTheFile;
  return kUnfinished;
}

// What is in the parts must stand in the index, and in the part that the index says; `shard_of`: tensor -> path of its
// part. What the index names and no part has is noted: an index is often older than its parts, from which tied heads
// and computed buffers were dropped, and binding knows which these are.
Result<void> check_map(const std::map<std::string, std::string>& shard_of, const std::string& index,
                       Checkpoint& found) {
  const auto file_of = [&](const std::string& tensor) -> const std::string* {
    if (const auto it = found.tensors.find(tensor); it != found.tensors.end()) return &it->second.file;
    if (const auto it = found.others.find(tensor); it != found.others.end()) return &it->second.file;
    return nullptr;
  };
  for (const auto& [tensor, shard] : shard_of) {
    const std::string* file = file_of(tensor);
    if (!file) found.absent[tensor] = shard;
    if (file && *file != shard) {
      return model_error(index, fmt::format("tensor '{}' should be in {}, but is in {}", tensor, shard, *file),
                         "do all parts belong to the same model?");
    }
  }
  const auto check_listed = [&](const auto& tensors) -> Result<void> {
    for (const auto& [tensor, view] : tensors) {
      if (!shard_of.count(tensor)) {
        return model_error(view.file, fmt::format("tensor '{}' is not listed in {}", tensor, kIndex),
                           "do all parts belong to the same model?");
      }
    }
    return {};
  };
  CONTINUO_TRY_VOID(check_listed(found.tensors));
  return check_listed(found.others);
}

// {"metadata": ..., "weight_map": {"TENSOR": "FILE", ...}}
Result<void> read_shards(const ModelFiles& files, Checkpoint& into) {
  const std::string path = files.path_of(kIndex);
  CONTINUO_TRY(const Json index, read_object(files, kIndex));
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    return model_error(path, "'weight_map' is missing or not an object that names tensors");
  }
  std::set<std::string> shards;
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) return model_error(path, fmt::format("weight_map: '{}' names no file", tensor));
    shards.insert(shard.get<std::string>());
    shard_of[tensor] = files.path_of(shard.get_ref<const std::string&>());
  }
  for (const std::string& shard : shards) {
    CONTINUO_TRY(const Blob blob, files.open(shard));
    CONTINUO_TRY_VOID(read_safetensors(blob, into));
  }
  return check_map(shard_of, path, into);
}

Result<void> read_weights(const ModelFiles& files, Checkpoint& into) {
  std::vector<std::string_view> present;
  for (const std::string_view name : {kSafetensors, kIndex, kJson}) {
    if (files.has(name)) present.push_back(name);
  }
  if (present.empty()) {
    return model_error(files.name(), fmt::format("no weights: neither {} nor {} nor {}", kSafetensors, kIndex, kJson),
                       weights_hint(files));
  }
  if (present.size() > 1) {
    return model_error(files.name(), fmt::format("both {} and {} are there", present[0], present[1]),
                       "move one of them away to say which is meant");
  }
  if (present[0] == kIndex) return read_shards(files, into);
  CONTINUO_TRY(const Blob blob, files.open(present[0]));
  return present[0] == kJson ? read_json_tensors(blob, into) : read_safetensors(blob, into);
}

}  // namespace

Result<void> check_new(const std::string& tensor, const std::string& file, const Checkpoint& into) {
  const auto known = into.tensors.find(tensor);
  const auto other = into.others.find(tensor);
  if (known == into.tensors.end() && other == into.others.end()) return {};
  const std::string& first = known != into.tensors.end() ? known->second.file : other->second.file;
  return model_error(file, fmt::format("tensor '{}' is in {} as well", tensor, first));
}

Result<Checkpoint> load_checkpoint(const ModelFiles& files) {
  if (const auto* parts = files.gguf()) return gguf_checkpoint(*parts, files.name());
  Checkpoint checkpoint;
  checkpoint.name = files.name();
  checkpoint.config_file = files.path_of("config.json");
  if (!files.has("config.json")) {
    const bool gguf = std::ranges::any_of(files.list(), [](const std::string& n) { return n.ends_with(".gguf"); });
    const OtherLayout* const layout = other_layout(files.list());
    return model_error(files.name(), "no config.json", layout ? layout->hint : gguf ? kGiveTheFile : kUnfinished);
  }
  CONTINUO_TRY(checkpoint.config, read_object(files, "config.json"));
  checkpoint.generation_config = Json::object();
  if (files.has("generation_config.json")) {
    CONTINUO_TRY(checkpoint.generation_config, read_object(files, "generation_config.json"));
  }
  CONTINUO_TRY_VOID(read_weights(files, checkpoint));
  return checkpoint;
}

}  // namespace continuo
