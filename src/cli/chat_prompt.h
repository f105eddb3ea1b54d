// The messages of the command line.
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "cli/options.h"

namespace continuo {

bool has_messages(const Options& options);
// What does not go together.
Result<void> check_messages_typed(const Options& options);

struct TypedChat {
  Json messages;         // as check_messages() lets them through
  Json template_values;  // of --template-kwargs, or null
};
// An error, too, where there is text on stdin, which would be ignored.
Result<TypedChat> typed_chat(const Options& options);

}  // namespace continuo
