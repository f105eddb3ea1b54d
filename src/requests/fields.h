// The fields of a request: their names and values in JSON, and in the cells of a table.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "requests/request.h"

namespace continuo {

struct RequestField {
  std::string_view name;
  Result<void> (*set)(BatchRequest& request, std::string_view field, const Json& value);
  // A cell that is not empty as a value; null: the field is none of a table's.
  Result<Json> (*from_cell)(std::string_view cell);
};

// Null if there is none of that name.
const RequestField* find_field(std::string_view name);
std::vector<std::string_view> field_names();
// The names of a table's, ", " between.
std::string column_names();

// "FIELD is VALUE, expected ...".
Error wrong_field(std::string_view field, std::string_view expected, const Json& found);

// A whole number as JSON writes it is one; anything else is text.
Answer id_from_cell(std::string_view cell);

}  // namespace continuo
