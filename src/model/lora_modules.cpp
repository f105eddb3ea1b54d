#include "model/lora_modules.h"

#include <algorithm>
#include <array>

#include "io/checkpoint.h"
#include "model/families.h"
#include "model/low_rank.h"

namespace continuo {

namespace {

constexpr std::string_view kWeight = ".weight";

// Of the tensors of a GGUF file, those whose outputs stand in the family's own order (or, of queries and keys, come out
// of their product in it).
constexpr auto kSameInGguf = std::to_array<Role>({Role::attention_q, Role::attention_k, Role::attention_v,
                                                  Role::attention_out, Role::ffn_gate, Role::ffn_up, Role::ffn_down});

// The names of modules in the family's own files, by what a GGUF file's tensors are to the network.
std::map<std::string, std::string> names_by_role(const Model& model) {
  std::map<std::string, std::string> names;
  const Family* const family = find_family(model.spec.family);
  if (!family) return names;
  for (const TensorName& tensor : family->names.tensors) {
    const bool same = std::find(kSameInGguf.begin(), kSameInGguf.end(), tensor.role) != kSameInGguf.end();
    if (!same || tensor.name.find('@') != tensor.name.npos) continue;
    for (std::size_t layer = 0; layer < model.spec.layers.size(); ++layer)
      names.try_emplace(role_text(tensor.role, {.layer = layer}), file_name(tensor.name, "", {.layer = layer}));
  }
  return names;
}

struct Stored {
  const TensorView* tensor;
  LoraModule* module;
  bool usable = true;
};

// Which outputs of the tensor a map computes; nothing where it is not a run of them.
std::optional<LoraModule::Part> part_of(const Stored& stored, std::size_t number, const Matrix& map) {
  const LoraModule& module = *stored.module;
  if (map.cols != module.inputs || map.format != stored.tensor->format) return std::nullopt;
  const auto offset = static_cast<std::size_t>(map.data - stored.tensor->bytes.data());
  const bool transposed = map.layout == Layout::transposed;
  if (transposed && !format_is_plain(map.format)) return std::nullopt;
  const std::size_t unit = stored_bytes(map.format, transposed ? 1 : module.inputs);
  if (map.stride != (transposed ? module.outputs : module.inputs) || offset % unit != 0) return std::nullopt;
  const std::size_t first = offset / unit;
  if (first >= module.outputs || map.rows > module.outputs - first) return std::nullopt;
  return LoraModule::Part{number, first, map.rows};
}

// All outputs of the module are computed by its maps; maps that are shared by layers compute the same.
bool covers(LoraModule& module) {
  std::sort(module.parts.begin(), module.parts.end(),
            [](const LoraModule::Part& a, const LoraModule::Part& b) { return a.first < b.first; });
  std::size_t covered = 0;
  for (const LoraModule::Part& part : module.parts) {
    if (part.first != covered && part.first + part.count != covered) return false;
    covered = part.first + part.count;
  }
  return covered == module.outputs;
}

// The words that stand before the layers in some files and not in others.
bool is_beginning(std::string_view words) {
  constexpr auto kKnown = std::to_array<std::string_view>(
      {"model", "transformer", "language_model", "text_model", "gpt_neox", "backbone", "decoder", "rwkv"});
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find('.'));
    if (std::find(kKnown.begin(), kKnown.end(), word) == kKnown.end()) return false;
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return true;
}

bool same_module(std::string_view a, std::string_view b) {
  if (a.size() < b.size()) std::swap(a, b);
  if (!a.ends_with(b)) return false;
  const std::string_view more = a.substr(0, a.size() - b.size());
  return more.empty() || (more.ends_with('.') && is_beginning(more));
}

}  // namespace

LoraModules::LoraModules(const Model& model) {
  const bool gguf = model.storage->is_gguf;
  const auto by_role = gguf ? names_by_role(model) : std::map<std::string, std::string>();
  std::map<const std::byte*, Stored> by_address;
  for (const TensorUse& use : model.tensors) {
    const auto view = model.storage->tensors.find(use.name);
    std::string name = use.name;
    if (gguf) {
      const auto known = by_role.find(use.role);
      name = known == by_role.end() ? "" : known->second;
    }
    if (view == model.storage->tensors.end() || use.shape.size() != 2 || !name.ends_with(kWeight)) continue;
    name.resize(name.size() - kWeight.size());
    by_address[view->second.bytes.data()] = {&view->second, &by_name_[name]};
    names_[use.name] = name;
  }
  for_each_layer_map(model.weights, [&](std::size_t number, const Linear& map, MapInput input) {
    auto at = map.weight.data ? by_address.upper_bound(map.weight.data) : by_address.begin();
    if (at == by_address.begin()) return;
    Stored& stored = std::prev(at)->second;
    if (map.weight.data >= stored.tensor->bytes.data() + stored.tensor->bytes.size()) return;
    const bool transposed = map.weight.layout == Layout::transposed;
    stored.module->outputs = stored.tensor->shape[transposed ? 1 : 0];
    stored.module->inputs = stored.tensor->shape[transposed ? 0 : 1];
    const auto part = input == MapInput::expert ? std::nullopt : part_of(stored, number, map.weight);
    if (part) stored.module->parts.push_back(*part);
    stored.usable = stored.usable && part;
  });
  for (auto& [address, stored] : by_address) {
    if (!stored.usable || !covers(*stored.module)) stored.module->parts.clear();
  }
}

const LoraModule* LoraModules::find(std::string_view name) const {
  if (const auto exact = by_name_.find(name); exact != by_name_.end()) return &exact->second;
  const LoraModule* found = nullptr;
  for (const auto& [known, module] : by_name_) {
    if (!same_module(known, name)) continue;
    if (found) return nullptr;
    found = &module;
  }
  return found;
}

const LoraModule* LoraModules::of_tensor(std::string_view tensor) const {
  const auto name = names_.find(tensor);
  return name == names_.end() ? nullptr : find(name->second);
}

}  // namespace continuo
