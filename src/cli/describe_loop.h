// How a network goes through its layers more than once, in words and as JSON.
#pragma once

#include <string>

#include "model/spec.h"
#include "requests/json_answer.h"

namespace continuo {

// Null where it has no loop.
Answer loop_json(const ModelSpec& spec);
std::string loop_text(const ModelSpec& spec);

}  // namespace continuo
