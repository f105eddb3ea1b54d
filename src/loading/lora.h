// Adapters of low rank as PEFT writes them: a folder with adapter_config.json and adapter_model.safetensors.
#pragma once

#include <string>

#include "base/error.h"
#include "model/low_rank.h"
#include "model/model.h"

namespace continuo {

// What the adapter adds to the maps of `model`, times `scale`. Errors name the file, and the setting, the tensor or the
// module that does not fit: nothing of an adapter is left out silently.
Result<LowRankMaps> load_lora(const std::string& folder, float scale, const Model& model);

}  // namespace continuo
