#include "cli/adapters.h"

#include <fmt/format.h>

#include "loading/lora.h"

namespace continuo {

Result<Adapters> load_adapters(const Options& options, const Model& model) {
  Adapters adapters;
  // Those of all requests first: they are part of every choice.
  for (const TypedLora& typed : options.lora) {
    if (!typed.name.empty()) continue;
    CONTINUO_TRY(const LowRankMaps maps, load_lora(typed.folder, typed.scale, model));
    adapters.add_to_all(maps);
  }
  for (const TypedLora& typed : options.lora) {
    if (typed.name.empty()) continue;
    if (adapters.find(typed.name)) return usage_error(fmt::format("--lora: two adapters are called {}", typed.name));
    CONTINUO_TRY(const LowRankMaps maps, load_lora(typed.folder, typed.scale, model));
    adapters.add_choice(typed.name, maps);
  }
  return adapters;
}

Result<void> check_no_names(const Options& options) {
  for (const TypedLora& typed : options.lora) {
    if (!typed.name.empty())
      return usage_error(
          fmt::format("--lora {}={}: names are for the requests of batch and serve", typed.name, typed.folder),
          fmt::format("a folder with \"=\" in its name: ./{}={}", typed.name, typed.folder));
  }
  return {};
}

}  // namespace continuo
