// How the engine runs, as the options say.
#pragma once

#include <cstddef>
#include <istream>
#include <string>

#include "cli/options.h"
#include "generate/engine_options.h"
#include "model/spec.h"

namespace continuo {

EngineOptions engine_options(const Options& options);

// The same for many requests. `memory` is what --memory bounds, or a quarter of what this process may have (the
// machine's, or its cgroup's limit), at most a gibibyte; but enough for one text that fills the context, of which only
// what is used becomes real.
EngineOptions batch_engine_options(const Options& options, const ModelSpec& spec);

// What of the memory is for requests and their answers.
std::size_t memory_of_requests(const EngineOptions& engine);

// The least limit, in bytes, of the groups that `proc_cgroup` (/proc/self/cgroup) names and of those that they are in,
// under the mount `root`; SIZE_MAX: none.
std::size_t cgroup_memory(std::istream& proc_cgroup, const std::string& root);

}  // namespace continuo
