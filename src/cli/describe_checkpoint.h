// A model's files as they are, for `inspect` of what cannot be run: configuration, tensors, formats.
#pragma once

#include <string>

#include "requests/json_answer.h"

namespace continuo {

struct Checkpoint;

// `reason` says why it cannot be run; `tensors` lists every one.
Answer checkpoint_json(const Checkpoint& checkpoint, const std::string& reason, bool tensors);
std::string checkpoint_text(const Checkpoint& checkpoint, const std::string& reason, bool tensors);

}  // namespace continuo
