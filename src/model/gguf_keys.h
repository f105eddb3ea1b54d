// Keys of GGUF files that must be there, and keys whose meaning is known but not supported: nothing is guessed, and
// nothing that changes the text is passed over.
#pragma once

#include <string_view>

#include "base/error.h"

namespace continuo {

struct Checkpoint;

// Before anything is read.
Result<void> check_needed_gguf_keys(const Checkpoint& file);
// After all is: keys that change the text and were not asked for (Checkpoint::asked).
Result<void> check_unread_gguf_keys(const Checkpoint& file);

// Which of the two keys of an epsilon the architecture has its norms by; empty: it is not known.
std::string_view gguf_epsilon_key(const Checkpoint& file);

}  // namespace continuo
