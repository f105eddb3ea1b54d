// JSON from outside: parsed with bounds, errors as values with a byte offset.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/json_reader.h"

namespace continuo {

// Refuses what json_reader.h refuses (text that nests deeper than kMaxJsonDepth, anything after the value)
// and a key that stands twice in an object. `file` is only named in errors.
Result<Json> parse_json(std::string_view bytes, const std::string& file, JsonDialect dialect = JsonDialect::strict);

// What is said of a fault. `where`: of what it is a part, "" or " in NAME".
Error json_error(const JsonFault& fault, const std::string& file, const std::string& where = {});

// A value as a message shows it: on one line, bytes that are not UTF-8 replaced, NaN and infinities by their
// names.
std::string shown_json(const Json& value);

// The number that an object's own member `key` is written as, as it is written; nothing if it is no number.
std::optional<std::string> number_as_written(std::string_view object, std::string_view key);

}  // namespace continuo
