// How the engine runs for many requests.
#pragma once

#include "cli/options.h"
#include "generate/engine.h"
#include "model/spec.h"

namespace continuo {

// With what --memory bounds, or its default: a quarter of what this process may have (the machine's, or its
// cgroup's limit), at most a gibibyte; but enough for one text that fills the context, of which only what is
// used becomes real.
EngineOptions engine_options(const Options& options, const ModelSpec& spec);

}  // namespace continuo
