// --lora: the adapters that a command runs with.
#pragma once

#include "base/error.h"
#include "cli/options.h"
#include "model/low_rank.h"
#include "model/model.h"

namespace continuo {

// Reads them all. Errors: a name that comes twice.
Result<Adapters> load_adapters(const Options& options, const Model& model);

// An error where one has a name: for commands without requests that could choose.
Result<void> check_no_names(const Options& options);

}  // namespace continuo
