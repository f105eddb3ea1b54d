#include "loading/lora.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/lora_modules.h"
#include "text/name_pattern.h"

namespace continuo {

namespace {

constexpr std::string_view kConfigFile = "adapter_config.json", kWeightsFile = "adapter_model.safetensors";

// Settings that say nothing of what is computed, or that the tensors themselves say.
constexpr auto kNotes = std::to_array<std::string_view>(
    {"task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
     "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out",
     "megatron_core", "loftq_config", "eva_config", "qalora_group_size", "runtime_config", "ensure_weight_tying"});
// Those that are read below.
constexpr auto kRead = std::to_array<std::string_view>(
    {"peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "init_lora_weights", "bias"});
// Ways to begin training that leave the weights of the model as they are.
constexpr auto kHarmlessBeginnings = std::to_array<std::string_view>({"gaussian", "eva", "orthogonal"});

template <class List>
bool contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_off(const Json& value) {
  return value.is_null() || value == false || ((value.is_object() || value.is_array()) && value.empty()) || value == "";
}

struct LoraConfig {
  std::string file;
  Json json;

  Error wrong(std::string_view key, std::string what) const {
    return model_error(file, fmt::format("'{}' {}", key, what));
  }
  Result<void> check() const;
  Result<double> number(std::string_view key, const Json& value) const;
  // The entry of a table whose pattern describes the module; null if there is none.
  Result<const Json*> pattern(std::string_view table, std::string_view module) const;
  Result<double> scale(std::string_view module, std::size_t rank) const;
};

Result<void> LoraConfig::check() const {
  if (!json.is_object()) return model_error(file, "expected a JSON object");
  const auto type = json.find("peft_type");
  if (type == json.end() || *type != "LORA")
    return wrong("peft_type", fmt::format("is {}, expected \"LORA\"", type == json.end() ? "missing" : type->dump()));
  for (const auto& [key, value] : json.items()) {
    if (contains(kNotes, key) || contains(kRead, key) || is_off(value)) continue;
    return wrong(key, fmt::format("is {}, which is not supported", value.dump().substr(0, 60)));
  }
  if (const auto bias = json.find("bias"); bias != json.end() && !is_off(*bias) && *bias != "none")
    return wrong("bias", fmt::format("is {}, expected \"none\": biases are not adapted", bias->dump()));
  const auto begin = json.find("init_lora_weights");
  const bool harmless = begin == json.end() || begin->is_boolean() || begin->is_null() ||
                        (begin->is_string() && contains(kHarmlessBeginnings, begin->get<std::string>()));
  if (!harmless)
    return wrong("init_lora_weights",
                 fmt::format("is {}, which changes the model's own weights; convert the adapter with PEFT first",
                             begin->dump().substr(0, 60)));
  return {};
}

Result<double> LoraConfig::number(std::string_view key, const Json& value) const {
  if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
  return wrong(key, fmt::format("is {}, expected a number", value.dump().substr(0, 60)));
}

Result<const Json*> LoraConfig::pattern(std::string_view table, std::string_view module) const {
  const auto patterns = json.find(table);
  if (patterns == json.end() || is_off(*patterns)) return nullptr;
  if (!patterns->is_object()) return wrong(table, "is no object");
  // The first in the order of the file counts; ours is sorted, so two that fit are refused.
  const Json* found = nullptr;
  for (const auto& [key, value] : patterns->items()) {
    CONTINUO_TRY(const bool fits,
                 matches_name(fmt::format("\\A(?:.*\\.)?(?:{})\\z", key), module, file, std::string(table)));
    if (!fits) continue;
    if (found && *found != value) return wrong(table, fmt::format("has two patterns for module '{}'", module));
    found = &value;
  }
  return found;
}

// alpha / rank; of rank-stabilized adapters alpha / sqrt(rank) (Kalajdzievski 2023, arXiv:2312.03732).
Result<double> LoraConfig::scale(std::string_view module, std::size_t rank) const {
  CONTINUO_TRY(const Json* own_rank, pattern("rank_pattern", module));
  const auto given = json.find("r");
  if (!own_rank && given != json.end()) own_rank = &*given;
  if (!own_rank) return wrong("r", "is missing");
  CONTINUO_TRY(const double stated, number("r", *own_rank));
  if (stated != static_cast<double>(rank))
    return wrong("r", fmt::format("is {} for module '{}', whose tensors have rank {}", stated, module, rank));
  CONTINUO_TRY(const Json* own_alpha, pattern("alpha_pattern", module));
  const auto alpha = json.find("lora_alpha");
  if (!own_alpha && alpha != json.end()) own_alpha = &*alpha;
  if (!own_alpha) return wrong("lora_alpha", "is missing");
  CONTINUO_TRY(const double numerator, number("lora_alpha", *own_alpha));
  const auto stabilized = json.find("use_rslora");
  const bool root = stabilized != json.end() && *stabilized == true;
  return numerator / (root ? std::sqrt(stated) : stated);
}

// ---- tensors ----

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

// The two tensors of a module.
struct Pair {
  const TensorView* in = nullptr;
  const TensorView* out = nullptr;
};

// "base_model.model.MODULE.lora_A.weight" (older files: ".lora_A.NAME.weight").
struct TensorTitle {
  std::string module;
  bool is_in;
};
std::optional<TensorTitle> title_of(std::string_view name) {
  constexpr std::string_view kBegin = "base_model.model.", kEnd = ".weight", kIn = ".lora_A", kOut = ".lora_B";
  if (name.starts_with(kBegin)) name.remove_prefix(kBegin.size());
  if (!name.ends_with(kEnd)) return std::nullopt;
  name.remove_suffix(kEnd.size());
  for (const std::string_view kind : {kIn, kOut}) {
    const std::size_t at = name.rfind(kind);
    if (at == name.npos || at == 0) continue;
    const std::string_view rest = name.substr(at + kind.size());
    if (rest.empty() || (rest.front() == '.' && rest.size() > 1 && rest.find('.', 1) == rest.npos))
      return TensorTitle{std::string(name.substr(0, at)), kind == kIn};
  }
  return std::nullopt;
}

class LoraReader {
 public:
  LoraReader(LoraConfig config, const Checkpoint& tensors, const std::string& file, const Model& model)
      : config_(std::move(config)), tensors_(tensors), file_(file), modules_(model) {}

  Result<LowRankMaps> read(float scale) {
    CONTINUO_TRY_VOID(pair_up());
    LowRankMaps maps;
    for (const auto& [module, pair] : pairs_) CONTINUO_TRY_VOID(add(module, pair, scale, maps));
    return maps;
  }

 private:
  Error wrong(std::string_view tensor, std::string what) const {
    return model_error(file_, fmt::format("tensor '{}' {}", tensor, what));
  }

  Result<void> pair_up() {
    for (const auto& [name, tensor] : tensors_.others)
      return wrong(name, fmt::format("is stored as {}, expected F32, F16 or BF16", tensor.format));
    for (const auto& [name, tensor] : tensors_.tensors) {
      const auto title = title_of(name);
      if (!title)
        return wrong(name,
                     "is no part of a map of low rank (a module that was saved whole, an embedding, a bias, or "
                     "DoRA's magnitudes), which is not supported");
      if (tensor.shape.size() != 2 || tensor.shape[0] == 0 || tensor.shape[1] == 0)
        return wrong(name, "is no matrix, expected two extents");
      const TensorView*& place = title->is_in ? pairs_[title->module].in : pairs_[title->module].out;
      if (place) return wrong(name, "is there twice, under two names");
      place = &tensor;
    }
    if (pairs_.empty()) return model_error(file_, "holds no adapter");
    return {};
  }

  Result<void> add(const std::string& name, const Pair& pair, float scale, LowRankMaps& maps) {
    if (!pair.in || !pair.out)
      return model_error(file_, fmt::format("module '{}' has only one of lora_A and lora_B", name));
    const LoraModule* const module = modules_.find(name);
    if (!module) return model_error(file_, fmt::format("module '{}' is none of this model's layers", name));
    if (module->parts.empty())
      return model_error(file_, fmt::format("module '{}' cannot be adapted as this model's file stores it", name));
    const std::size_t rank = pair.in->shape[0];
    if (pair.in->shape[1] != module->inputs || pair.out->shape[0] != module->outputs || pair.out->shape[1] != rank) {
      return model_error(
          file_,
          fmt::format("module '{}' has lora_A of {} x {} and lora_B of {} x {}, expected R x {} and {} x R", name, rank,
                      pair.in->shape[1], pair.out->shape[0], pair.out->shape[1], module->inputs, module->outputs));
    }
    CONTINUO_TRY(const double own_scale, config_.scale(name, rank));
    CONTINUO_TRY(const std::vector<float> in, values(*pair.in, name));
    CONTINUO_TRY(std::vector<float> out, values(*pair.out, name));
    for (float& value : out) value = static_cast<float>(value * (own_scale * scale));
    if (!all_finite(out)) return model_error(file_, fmt::format("module '{}' times its scale is no number", name));
    for (const LoraModule::Part& part : module->parts) {
      const auto first = out.begin() + static_cast<std::ptrdiff_t>(part.first * rank);
      LowRank made{.rank = rank, .inputs = module->inputs, .outputs = part.count, .in = in};
      made.out.assign(first, first + static_cast<std::ptrdiff_t>(part.count * rank));
      if (!maps.try_emplace(part.map, std::move(made)).second)
        return model_error(file_, fmt::format("module '{}' is there twice, under two names", name));
    }
    return {};
  }

  Result<std::vector<float>> values(const TensorView& tensor, const std::string& module) const {
    if (!format_is_plain(tensor.format))
      return model_error(file_, fmt::format("module '{}' is stored as {}, expected F32, F16 or BF16", module,
                                            format_info(tensor.format).name));
    std::vector<float> floats(tensor.shape[0] * tensor.shape[1]);
    format_info(tensor.format).to_float(tensor.bytes.data(), floats.data(), floats.size());
    if (all_finite(floats)) return floats;
    return model_error(file_, fmt::format("module '{}' has values that are no numbers", module));
  }

  LoraConfig config_;
  const Checkpoint& tensors_;
  const std::string& file_;
  LoraModules modules_;
  std::map<std::string, Pair> pairs_;
};

}  // namespace

Result<LowRankMaps> load_lora(const std::string& folder, float scale, const Model& model) {
  CONTINUO_TRY(const ModelFiles files, ModelFiles::folder(folder));
  if (!files.has(kConfigFile))
    return model_error(folder, fmt::format("has no {}", kConfigFile),
                       "expected an adapter's folder, as PEFT writes it");
  CONTINUO_TRY(const Blob text, files.open(kConfigFile));
  CONTINUO_TRY(Json json, parse_json(text.text(), text.name()));
  LoraConfig config{text.name(), std::move(json)};
  CONTINUO_TRY_VOID(config.check());
  if (!files.has(kWeightsFile) && files.has("adapter_model.bin"))
    return model_error(files.path_of("adapter_model.bin"), "is a pickle, which is not read",
                       "save the adapter with safe_serialization=True");
  CONTINUO_TRY(const Blob weights, files.open(kWeightsFile));
  Checkpoint tensors;
  CONTINUO_TRY_VOID(read_safetensors(weights, tensors));
  return LoraReader(std::move(config), tensors, weights.name(), model).read(scale);
}

}  // namespace continuo
