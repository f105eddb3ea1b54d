// Requests and records as JSON, and their ids, which come back as they were written.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "requests/json_answer.h"

namespace continuo {

// A line as JSON. An id that is a number which neither 64 bits nor a double gives back as the line has it
// (12345678901234567890123, 1e5) becomes its digits, as a binary value. `file` is named in errors.
Result<Json> parse_request_json(std::string_view line, const std::string& file = {});

// A string or a number; `value` is of parse_request_json.
bool is_request_id(const Json& value);

// An answer as a line without its end; the id, if there is one, is the first member.
std::string answer_text(const Answer& answer);
// An id as a cell of a table.
std::string id_cell_text(const Answer& id);

}  // namespace continuo
