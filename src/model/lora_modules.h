// The linear maps of a network under the names that adapters call them by: those of the modules in the family's own
// files, "model.layers.0.self_attn.q_proj".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/model.h"

namespace continuo {

// A module: a tensor of the files. Its outputs are those of one map, or of several, one after the other.
struct LoraModule {
  std::size_t outputs = 0, inputs = 0;
  struct Part {
    std::size_t map;           // its number (for_each_layer_map)
    std::size_t first, count;  // of the module's outputs
  };
  std::vector<Part> parts;  // empty: the network does not compute it as it stands in the file
};

class LoraModules {
 public:
  explicit LoraModules(const Model& model);
  // The module of that name; names may begin with a few words more or less ("model.", "transformer."). Null if there is
  // none, or not just one.
  const LoraModule* find(std::string_view name) const;
  // The module that a tensor of the files is; null if it is none.
  const LoraModule* of_tensor(std::string_view tensor) const;

 private:
  std::map<std::string, LoraModule, std::less<>> by_name_;
  std::map<std::string, std::string, std::less<>> names_;  // of modules, by their tensors
};

}  // namespace continuo
