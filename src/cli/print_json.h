// An answer as JSON on stdout.
#pragma once

#include "cli/output.h"
#include "requests/json_answer.h"

namespace continuo {

inline Result<void> print_json(const Answer& answer) {
  return print(answer.dump(-1, ' ', false, Answer::error_handler_t::replace) + '\n');
}

}  // namespace continuo
