// How the engine runs for many requests.
#pragma once

#include <cstddef>

#include "cli/options.h"
#include "generate/engine.h"
#include "model/spec.h"

namespace continuo {

// What --memory bounds, or its default: a quarter of what this process may have (the machine's, or its
// cgroup's limit), at most a gibibyte; but enough for one text that fills the context, of which only what is
// used becomes real. A part of it is for the requests themselves (request_memory), the rest is the engine's.
EngineOptions engine_options(const Options& options, const ModelSpec& spec);

// Bytes that the requests (or records) with the engine, and what is answered of them, may take, but that
// there may always be one.
std::size_t request_memory(const EngineOptions& engine);

}  // namespace continuo
