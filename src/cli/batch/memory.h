// How much memory a run may take where nobody says.
#pragma once

#include <cstddef>

#include "model/spec.h"
#include "quant/format.h"

namespace continuo {

// A quarter of what this process may have (the machine's, or its cgroup's limit), at most a gibibyte; but
// enough for one text that fills the context, of which only what is used becomes real.
std::size_t default_memory(const ModelSpec& spec, Format kv_type);

}  // namespace continuo
