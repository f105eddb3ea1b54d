// Any text as config.json: resolved into a plan, if it is one.
#include "base/json.h"
#include "io/checkpoint.h"
#include "model/model.h"

using namespace continuo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto config = parse_json({reinterpret_cast<const char*>(data), size}, "config.json");
  if (!config || !config->is_object()) return 0;
  Checkpoint checkpoint;
  checkpoint.name = "fuzz";
  checkpoint.config_file = "fuzz/config.json";
  checkpoint.config = std::move(*config);
  checkpoint.generation_config = Json::object();
  static_cast<void>(build_model(std::move(checkpoint)));
  return 0;
}
