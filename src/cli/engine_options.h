// How the engine runs, as the options say.
#pragma once

#include "cli/options.h"
#include "generate/engine_options.h"
#include "model/spec.h"

namespace continuo {

EngineOptions engine_options(const Options& options);

// The same for many requests. `memory` is what --memory bounds, or a quarter of what this process may have (the machine's,
// or its cgroup's limit), at most a gibibyte; but enough for one text that fills the context, of which only what is used
// becomes real.
EngineOptions batch_engine_options(const Options& options, const ModelSpec& spec);

}  // namespace continuo
