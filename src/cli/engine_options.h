// How the engine runs, as the options say.
#pragma once

#include <cstddef>

#include "cli/options.h"
#include "generate/engine_options.h"
#include "model/spec.h"

namespace continuo {

EngineOptions engine_options(const Options& options);

// The same for many requests. `memory` is what --memory bounds, or a quarter of what this process may have (the machine's,
// or its cgroup's limit), at most a gibibyte; but enough for one text that fills the context, of which only what is used
// becomes real. A part of it is for the requests themselves (request_memory), the rest is the engine's.
EngineOptions batch_engine_options(const Options& options, const ModelSpec& spec);

// Bytes that the requests (or records) with the engine, and what is answered of them, may take, but that
// there may always be one.
std::size_t request_memory(const EngineOptions& engine);

}  // namespace continuo
