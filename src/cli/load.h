// The model that the options name, as they want it.
#pragma once

#include <optional>

#include "base/error.h"
#include "cli/options.h"
#include "loading/loaded_model.h"

namespace continuo {

// With --loops. `chosen` as load() takes it. Errors: the model cannot be loaded, or has no loops.
Result<LoadedModel> load(const Options& options, TokenizerUse use, const ChosenSampling& chosen = {});
Result<void> set_loops(const Options& options, ModelSpec& spec);

// The model of --draft-model, if there is one. An error if its vocabulary is another.
Result<std::optional<LoadedModel>> load_draft_model(const Options& options, const LoadedModel& model);

}  // namespace continuo
